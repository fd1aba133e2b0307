// Long-lived consent (spec 2.6, 3.8): rotation, theft, the idempotent window, half a year; revocation and introspection (3.12).
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before } from 'node:test'
import { HALF_YEAR, exchange, startHouse } from './harness.mjs'
import { assertTokenError, check } from './support/checks.mjs'

const WINDOW = 20

let house
let patient // the same with an idempotent window for lost answers
before(async () => {
  house = await startHouse('refresh')
  patient = await startHouse('window', { conf: { lifetimes: { refresh_window: WINDOW } } })
})
after(async () => {
  await house.stop()
  await patient.stop()
})

const lasting = (where = house, options = {}) => where.collect('huisartsdeduinen', { indefinite: true, ...options })

check('2.6 refresh: a new access token and a new refresh token, the old ones of the chain die', async () => {
  const { tokens } = await lasting()
  const second = await house.pgo.refresh(tokens.refresh_token)
  const third = await house.pgo.refresh(second.refresh_token)
  assert.equal(new Set([tokens, second, third].flatMap((t) => [t.access_token, t.refresh_token])).size, 6)
  assert.equal((await house.introspect(third.access_token)).active, true)
})

check('3.9 invalid_grant: a refresh token that was rotated; the whole family dies', async () => {
  const { tokens } = await lasting()
  const second = await house.pgo.refresh(tokens.refresh_token)
  assertTokenError(await house.pgo.rawRefresh(tokens.refresh_token), 400, 'invalid_grant')
  assertTokenError(await house.pgo.rawRefresh(second.refresh_token), 400, 'invalid_grant')
  assert.deepEqual(await house.introspect(second.access_token), { active: false })
})

check('3.8 of many refreshes with one token at the same moment one wins', async () => {
  const { tokens } = await lasting()
  const answers = await Promise.all(Array.from({ length: 8 }, () => house.pgo.rawRefresh(tokens.refresh_token)))
  assert.equal(answers.filter(({ status }) => status === 200).length, 1)
  for (const answer of answers) if (answer.status !== 200) assertTokenError(answer, 400, 'invalid_grant')
})

check('3.8 the idempotent window: the same client gets the same answer again, within it', async () => {
  const { tokens } = await lasting(patient)
  const first = await patient.pgo.rawRefresh(tokens.refresh_token)
  const again = await patient.pgo.rawRefresh(tokens.refresh_token)
  assert.equal(first.status, 200)
  assert.equal(again.status, 200, again.text)
  assert.equal(again.json.refresh_token, first.json.refresh_token)
  assert.equal(again.json.access_token, first.json.access_token)
  assert.equal((await patient.pgo.refresh(first.json.refresh_token)).scope, '48 49 51 63')
})

check('3.8 the idempotent window: concurrent offers all get the one answer', async () => {
  const { tokens } = await lasting(patient)
  const answers = await Promise.all(Array.from({ length: 6 }, () => patient.pgo.rawRefresh(tokens.refresh_token)))
  const good = answers.filter(({ status }) => status === 200)
  assert.ok(good.length >= 1)
  assert.equal(new Set(good.map(({ json }) => json.refresh_token)).size, 1)
})

check('3.8 the idempotent window: after it, the old token is theft again', async () => {
  const { tokens } = await lasting(patient)
  const first = await patient.pgo.rawRefresh(tokens.refresh_token)
  await patient.travel(WINDOW + 2, async () => {
    assertTokenError(await patient.pgo.rawRefresh(tokens.refresh_token), 400, 'invalid_grant')
    assertTokenError(await patient.pgo.rawRefresh(first.json.refresh_token), 400, 'invalid_grant')
  })
})

check('3.10 half a year: good on the last day, gone the day after, and restarted by each refresh', async () => {
  const { tokens } = await lasting()
  const day = 86400
  const second = await house.travel(HALF_YEAR - day, () => house.pgo.refresh(tokens.refresh_token))
  const third = await house.travel(2 * HALF_YEAR - 2 * day, () => house.pgo.refresh(second.refresh_token))
  await house.travel(3 * HALF_YEAR, async () => {
    assertTokenError(await house.pgo.rawRefresh(third.refresh_token), 400, 'invalid_grant')
  })
})

check('3.9 invalid_grant: a refresh token half a year without use has expired', async () => {
  const { tokens } = await lasting()
  await house.travel(HALF_YEAR + 10, async () => {
    assertTokenError(await house.pgo.rawRefresh(tokens.refresh_token), 400, 'invalid_grant')
  })
})

check('3.9 invalid_grant: an unknown refresh token, and one in the place of the other', async () => {
  const { tokens } = await lasting()
  for (const token of ['x', 'A'.repeat(43), tokens.access_token]) assertTokenError(await house.pgo.rawRefresh(token), 400, 'invalid_grant')
  assertTokenError(await house.pgo.rawRefresh(''), 400, (await house.pgo.rawRefresh('')).json.error)
  await house.pgo.refresh(tokens.refresh_token)
})

check('3.9 invalid_grant: the refresh token of another client, which does not end it', async () => {
  const { tokens } = await lasting()
  const other = house.makePgo('ander.localhost', house.certificates.other)
  assertTokenError(await other.rawRefresh(tokens.refresh_token), 400, 'invalid_grant')
  await house.pgo.refresh(tokens.refresh_token)
})

check('3.9 invalid_grant: consent that was withdrawn', async () => {
  const { tokens, request } = await lasting()
  const id = house.store.query(`SELECT id FROM consent WHERE trace_id = '${request.requestId}'`).trim()
  await house.cli('consent', 'withdraw', id)
  assertTokenError(await house.pgo.rawRefresh(tokens.refresh_token), 400, 'invalid_grant')
  assert.deepEqual(await house.introspect(tokens.access_token), { active: false })
})

check('3.9 invalid_scope: a refresh that asks more than was granted', async () => {
  const { tokens } = await lasting()
  for (const scope of ['48 49 51 63 53', '99', 'huisartsdeduinen']) assertTokenError(await house.pgo.rawRefresh(tokens.refresh_token, { scope }), 400, 'invalid_scope')
  await house.pgo.refresh(tokens.refresh_token)
})

check('3.8 a refresh may ask less', async () => {
  const { tokens } = await lasting()
  const answer = await house.pgo.rawRefresh(tokens.refresh_token, { scope: '48 51' })
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.json.scope, '48 51')
  assert.equal((await house.introspect(answer.json.access_token)).scope, '48 51')
})

check('3.8 a refresh that names a service twice asks for it once', async () => {
  const { tokens } = await lasting()
  const answer = await house.pgo.rawRefresh(tokens.refresh_token, { scope: '51 48 51' })
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.json.scope, '48 51')
})

check('3.8 a refresh leaves out what the provider does not offer any more', async () => {
  let { tokens } = await lasting()
  const change = (sql) => house.store.execute(`${sql}; UPDATE catalog_version SET version = version + 1`)
  const refreshUntil = async (scope) => {
    await house.dataTakenUp()
    tokens = await house.pgo.refresh(tokens.refresh_token)
    assert.equal(tokens.scope, scope)
  }
  change("UPDATE provider_service SET service = '63x' WHERE provider = 'huisartsdeduinen' AND service = '63'")
  await refreshUntil('48 49 51')
  change("UPDATE provider_service SET service = '63' WHERE provider = 'huisartsdeduinen' AND service = '63x'")
  await refreshUntil('48 49 51 63')
})

check('3.9 invalid_request: a refresh without its token, or with malformed MedMij headers', async () => {
  const { tokens } = await lasting()
  assertTokenError(await house.pgo.rawRefresh(undefined), 400, 'invalid_request')
  assertTokenError(await house.pgo.rawRefresh([tokens.refresh_token, tokens.refresh_token]), 400, 'invalid_request')
  assertTokenError(await house.pgo.rawRefresh(tokens.refresh_token, {}, { headers: { 'MedMij-Request-ID': 'x' } }), 400, 'invalid_request')
  assertTokenError(await house.pgo.rawRefresh(tokens.refresh_token, {}, { headers: { 'X-Correlation-ID': undefined } }), 400, 'invalid_request')
  await house.pgo.refresh(tokens.refresh_token)
})

check('3.9 invalid_client: a refresh without the certificate', async () => {
  const { tokens } = await lasting()
  assertTokenError(await house.pgo.rawRefresh(tokens.refresh_token, {}, { certificate: null }), 401, 'invalid_client')
  await house.pgo.refresh(tokens.refresh_token)
})

check('3.10 an access token lives fifteen minutes', async () => {
  const { tokens } = await lasting()
  assert.equal((await house.travel(840, () => house.introspect(tokens.access_token))).active, true)
  assert.deepEqual(await house.travel(901, () => house.introspect(tokens.access_token)), { active: false })
})

// ---- revocation (RFC 7009) ----

check('3.12 revoking a refresh token ends the family, its access tokens and the long-lived consent', async () => {
  const { tokens, request } = await lasting()
  await house.pgo.revoke(tokens.refresh_token)
  assertTokenError(await house.pgo.rawRefresh(tokens.refresh_token), 400, 'invalid_grant')
  assert.deepEqual(await house.introspect(tokens.access_token), { active: false })
  assert.notEqual(house.store.query(`SELECT withdrawn_at FROM consent WHERE trace_id = '${request.requestId}'`).trim(), '0')
})

check('3.12 revoking an access token ends only that token', async () => {
  const { tokens } = await lasting()
  await house.pgo.revoke(tokens.access_token)
  assert.deepEqual(await house.introspect(tokens.access_token), { active: false })
  await house.pgo.refresh(tokens.refresh_token)
})

check('3.12 revoking an unknown token, or that of another client, is 200 and does nothing', async () => {
  const { tokens } = await lasting()
  assert.equal((await house.pgo.raw('/oauth/revoke', { token: 'x', client_id: 'pgo.localhost' })).status, 200)
  const other = house.makePgo('ander.localhost', house.certificates.other)
  assert.equal((await other.raw('/oauth/revoke', { token: tokens.refresh_token, client_id: 'ander.localhost' })).status, 200)
  await house.pgo.refresh(tokens.refresh_token)
})

check('3.12 revocation takes the same care of who calls', async () => {
  const { tokens } = await lasting()
  const fields = { token: tokens.refresh_token, client_id: 'pgo.localhost' }
  assertTokenError(await house.pgo.raw('/oauth/revoke', fields, { certificate: null }), 401, 'invalid_client')
  assertTokenError(await house.pgo.raw('/oauth/revoke', fields, { certificate: house.certificates.other }), 401, 'invalid_client')
  assertTokenError(await house.pgo.raw('/oauth/revoke', { client_id: 'pgo.localhost' }), 400, 'invalid_request')
  assert.equal((await house.pgo.raw('/oauth/revoke', undefined, { method: 'GET' })).status, 405)
  await house.pgo.refresh(tokens.refresh_token)
})

// ---- introspection (RFC 7662) ----

check('3.12 introspection tells nothing of a token that is not alive', async () => {
  const { tokens } = await lasting()
  for (const token of ['x', tokens.refresh_token, 'A'.repeat(43), '%ff']) assert.deepEqual(await house.introspect(token), { active: false })
})

check('3.12 introspection needs a POST with a token', async () => {
  assert.equal((await exchange(`${house.internalUrl}/oauth/introspect`)).status, 405)
  const answer = await exchange(`${house.internalUrl}/oauth/introspect`, { method: 'POST', body: 'x=y', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } })
  assert.equal(answer.status, 400)
})

check('3.8 a refresh carries ids of its own', async () => {
  const { tokens } = await lasting()
  const [requestId, correlationId] = [randomUUID(), randomUUID()]
  const answer = await house.pgo.rawRefresh(tokens.refresh_token, {}, { headers: { 'MedMij-Request-ID': requestId }, correlationId })
  assert.equal(answer.headers['medmij-request-id'], requestId)
  const line = house.events().find(({ event }) => event.type === 'send_token_response' && event.trace_id === requestId)
  assert.equal(line.event.session_id, correlationId)
  assert.equal(line.request.grant_type, 'refresh_token')
})
