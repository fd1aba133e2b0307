// The token endpoint (spec 3.6, 3.7, 3.9), and who may call it (3.14): mutual TLS, Whitelist, client list.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before } from 'node:test'
import { exchange, startHouse } from './harness.mjs'
import { assertTokenError, check } from './support/checks.mjs'

let house
before(async () => { house = await startHouse('token') })
after(() => house.stop())

async function withCode(options) {
  const journey = await house.login('huisartsdeduinen', options)
  await journey.give({ indefinite: options?.indefinite })
  journey.code = journey.answer.code
  assert.ok(journey.code)
  return journey
}

const redeem = (journey, changes, options) => house.pgo.rawRedeem(journey.request, journey.code, changes, options)

async function assertStillGood(journey) {
  const answer = await redeem(journey)
  assert.equal(answer.status, 200, answer.text)
}

// A code that was offered is retired, also when whoever offered it was not the client: then it has leaked (core.tknint.204).
async function assertSpent(journey) {
  assertTokenError(await redeem(journey), 400, 'invalid_grant')
}

check('3.7 token response: the headers and members that the framework names, and no others', async () => {
  const journey = await withCode({ indefinite: true })
  const requestId = randomUUID()
  const answer = await redeem(journey, {}, { headers: { 'MedMij-Request-ID': requestId } })
  assert.equal(answer.status, 200)
  assert.match(answer.headers['content-type'], /^application\/json/)
  assert.match(answer.headers['cache-control'], /no-store/)
  assert.equal(answer.headers['medmij-request-id'], requestId)
  assert.deepEqual(Object.keys(answer.json).sort(), ['access_token', 'expires_in', 'refresh_token', 'scope', 'token_type'])
})

// ---- 3.9 invalid_request ----

const incomplete = {
  'a missing grant_type': { grant_type: undefined },
  'a repeated grant_type': { grant_type: ['authorization_code', 'authorization_code'] },
  'a missing code': { code: undefined },
  'a repeated code': { code: ['a', 'b'] },
  'a missing client_id': { client_id: undefined },
  'a repeated client_id': { client_id: ['pgo.localhost', 'pgo.localhost'] },
  'a missing redirect_uri': { redirect_uri: undefined },
  'a repeated redirect_uri': { redirect_uri: ['http://pgo.localhost/a', 'http://pgo.localhost/b'] },
}
for (const [name, changes] of Object.entries(incomplete)) {
  check(`3.9 invalid_request: ${name}`, async () => {
    assertTokenError(await redeem(await withCode(), changes), 400, 'invalid_request')
  })
}

const badHeaders = {
  'a missing MedMij-Request-ID': { 'MedMij-Request-ID': undefined },
  'a malformed MedMij-Request-ID': { 'MedMij-Request-ID': 'x' },
  'a repeated MedMij-Request-ID': { 'MedMij-Request-ID': [randomUUID(), randomUUID()] },
  'a missing X-Correlation-ID': { 'X-Correlation-ID': undefined },
  'a malformed X-Correlation-ID': { 'X-Correlation-ID': '{}' },
}
for (const [name, headers] of Object.entries(badHeaders)) {
  check(`3.9 invalid_request: ${name}`, async () => {
    assertTokenError(await redeem(await withCode(), {}, { headers }), 400, 'invalid_request')
  })
}

check('3.9 invalid_request: an X-Correlation-ID that differs from the authorization request', async () => {
  assertTokenError(await redeem(await withCode(), {}, { correlationId: randomUUID() }), 400, 'invalid_request')
})

check('3.9 invalid_request: parameters in the query, also when the body has them too', async () => {
  let journey = await withCode()
  const query = new URLSearchParams(house.pgo.codeFields(journey.request, journey.code))
  assertTokenError(await house.pgo.raw(`/oauth/token?${query}`, {}, { correlationId: journey.request.correlationId }), 400, 'invalid_request')
  await assertSpent(journey) // it has been offered, and is in access logs
  journey = await withCode()
  assertTokenError(await house.pgo.raw(`/oauth/token?code=${journey.code}`, house.pgo.codeFields(journey.request, journey.code), { correlationId: journey.request.correlationId }), 400, 'invalid_request')
  await assertSpent(journey)
})

check('3.9 invalid_request: a body that is no form', async () => {
  const journey = await withCode()
  for (const [type, body] of [['application/json', JSON.stringify(house.pgo.codeFields(journey.request, journey.code))], ['text/plain', 'a'], ['multipart/form-data; boundary=x', '--x--']]) {
    assertTokenError(await house.pgo.raw('/oauth/token', undefined, { body, headers: { 'Content-Type': type } }), 400, 'invalid_request')
  }
})

check('3.6 GET is 405', async () => {
  const answer = await house.pgo.raw('/oauth/token', undefined, { method: 'GET' })
  assert.equal(answer.status, 405)
  assert.match(answer.headers.allow, /\bPOST\b/)
})

check('bad input: an oversized body is 413, bad UTF-8 and broken percent signs are invalid_request or invalid_grant', async () => {
  assert.equal((await house.pgo.raw('/oauth/token', { code: 'x'.repeat(100000) })).status, 413)
  for (const body of ['grant_type=authorization_code&code=%ff%fe&client_id=pgo.localhost&redirect_uri=x', 'grant_type=%', '\0\0\0', '=&=&=', '%']) {
    const answer = await house.pgo.raw('/oauth/token', undefined, { body })
    assert.equal(answer.status, 400, body)
    assert.ok(['invalid_request', 'invalid_grant'].includes(answer.json.error), body)
  }
  await assertStillGood(await withCode())
})

check('3.6 unknown parameters are ignored', async () => {
  const answer = await redeem(await withCode(), { foo: 'bar', code_verifier: 'x'.repeat(43), scope: 'alles' })
  assert.equal(answer.status, 200, answer.text)
})

// ---- 3.9 invalid_client, 3.14 ----

check('3.9 invalid_client: no certificate', async () => {
  const journey = await withCode()
  assertTokenError(await redeem(journey, {}, { certificate: null }), 401, 'invalid_client')
  await assertSpent(journey)
})

check('3.9 invalid_client: a certificate of another host than client_id', async () => {
  const journey = await withCode()
  assertTokenError(await redeem(journey, {}, { certificate: house.certificates.other }), 401, 'invalid_client')
  await assertSpent(journey)
})

check('3.9 invalid_client: client_id differs from the certificate host', async () => {
  const journey = await withCode()
  assertTokenError(await redeem(journey, { client_id: 'ander.localhost' }), 401, 'invalid_client')
  await assertSpent(journey)
})

check('3.9 invalid_client: a wildcard certificate is no one', async () => {
  const journey = await withCode()
  assertTokenError(await redeem(journey, {}, { certificate: house.certificates.wildcard }), 401, 'invalid_client')
})

check('3.9 invalid_client: a host in the client list that is not on the Whitelist', async () => {
  const journey = await withCode()
  assertTokenError(await redeem(journey, { client_id: 'nergens.localhost' }, { certificate: house.certificates.unlisted }), 401, 'invalid_client')
})

check('3.9 invalid_client: a host on the Whitelist that is not in the client list', async () => {
  const journey = await withCode()
  assertTokenError(await redeem(journey, { client_id: 'knoop.localhost' }, { certificate: house.certificates.whitelistedOnly }), 401, 'invalid_client')
})

check('3.14 a certificate of an unknown authority gets nowhere', async () => {
  const journey = await withCode()
  const answer = await redeem(journey, {}, { certificate: house.certificates.stranger }).catch((error) => error)
  if (!(answer instanceof Error)) assertTokenError(answer, 401, 'invalid_client')
})

check('3.14 a certificate in a header means nothing from a visitor that is no trusted proxy', async () => {
  const journey = await withCode()
  const pem = encodeURIComponent(house.certificates.pgo.cert.toString())
  const der = house.certificates.pgo.cert.toString().replace(/-----[^-]+-----|\s/g, '')
  for (const headers of [{ 'Client-Cert': `:${der}:` }, { 'X-SSL-Client-Cert': pem }, { 'X-Forwarded-Client-Cert': pem }]) {
    assertTokenError(await redeem(journey, {}, { certificate: null, headers }), 401, 'invalid_client')
  }
})

check('3.14 the token endpoint speaks TLS only', async () => {
  const answer = await exchange(`${house.backUrl.replace('https:', 'http:')}/oauth/token`, { method: 'POST', body: 'a=b', timeout: 5000 }).catch((error) => error)
  assert.ok(answer instanceof Error || answer.status >= 400)
})

// ---- 3.9 invalid_grant ----

check('3.9 invalid_grant: a code that never was', async () => {
  const journey = await withCode()
  for (const code of ['x', 'A'.repeat(43), '', journey.code.slice(1), `${journey.code}A`]) {
    const answer = await redeem({ ...journey, request: journey.request, code })
    if (code === '') assert.equal(answer.status, 400)
    else assertTokenError(answer, 400, 'invalid_grant')
  }
  await assertStillGood(journey)
})

check('3.9 invalid_grant: a code that was used; its tokens die (RFC 6749 4.1.2)', async () => {
  const journey = await withCode({ indefinite: true })
  const first = await redeem(journey)
  assert.equal(first.status, 200)
  assert.equal((await house.introspect(first.json.access_token)).active, true)
  assertTokenError(await redeem(journey), 400, 'invalid_grant')
  assert.deepEqual(await house.introspect(first.json.access_token), { active: false })
  assertTokenError(await house.pgo.rawRefresh(first.json.refresh_token), 400, 'invalid_grant')
})

check('3.9 invalid_grant: of many offers of one code at the same moment at most one gets tokens, and those die', async () => {
  const journey = await withCode()
  const answers = await Promise.all(Array.from({ length: 8 }, () => redeem(journey)))
  const good = answers.filter(({ status }) => status === 200)
  assert.ok(good.length <= 1)
  for (const answer of answers) if (answer.status !== 200) assertTokenError(answer, 400, 'invalid_grant')
  for (const answer of good) assert.deepEqual(await house.introspect(answer.json.access_token), { active: false })
})

check('3.9 invalid_grant: an expired code', async () => {
  const journey = await withCode()
  await house.moveClock(901)
  try {
    assertTokenError(await redeem(journey), 400, 'invalid_grant')
  } finally {
    await house.moveClock(0)
  }
})

check('3.6 a code is good until its last minute', async () => {
  const journey = await withCode()
  await house.moveClock(840)
  try {
    assert.equal((await redeem(journey)).status, 200)
  } finally {
    await house.moveClock(0)
  }
})

check('3.9 invalid_grant: a code of another client, which costs the code', async () => {
  const journey = await withCode()
  const other = house.makePgo('ander.localhost', house.certificates.other)
  assertTokenError(await other.raw('/oauth/token', { ...house.pgo.codeFields(journey.request, journey.code), client_id: 'ander.localhost' }, { correlationId: journey.request.correlationId }), 400, 'invalid_grant')
  assertTokenError(await redeem(journey), 400, 'invalid_grant')
})

check('3.9 invalid_grant: another redirect_uri, which costs the code (core.tknint.204, .205)', async () => {
  for (const uri of ['http://pgo.localhost/anders', 'http://pgo.localhost', '', 'http://evil.example/']) {
    const journey = await withCode()
    const answer = await redeem(journey, { redirect_uri: uri })
    assert.equal(answer.status, 400)
    assert.ok(['invalid_grant', ...(uri === '' ? ['invalid_request'] : [])].includes(answer.json.error), answer.text)
    if (uri !== '') assertTokenError(await redeem(journey), 400, 'invalid_grant')
  }
})

check('core.tknint.204: a code retires at its first offer, whatever the outcome', async () => {
  const journey = await withCode()
  assertTokenError(await redeem(journey, {}, { correlationId: randomUUID() }), 400, 'invalid_request')
  assertTokenError(await redeem(journey), 400, 'invalid_grant')
})

check('3.9 invalid_grant: consent that was withdrawn before the code was offered', async () => {
  const journey = await withCode()
  const id = house.store.query(`SELECT id FROM consent WHERE trace_id = '${journey.request.requestId}'`).trim()
  await house.cli('consent', 'withdraw', id)
  assertTokenError(await redeem(journey), 400, 'invalid_grant')
})

// ---- the rest of 3.9 ----

for (const type of ['refresh_code', 'password', 'client_credentials', 'AUTHORIZATION_CODE', 'urn:ietf:params:oauth:grant-type:jwt-bearer']) {
  check(`3.9 unsupported_grant_type: ${type}`, async () => {
    assertTokenError(await redeem(await withCode(), { grant_type: type }), 400, 'unsupported_grant_type')
  })
}

check('3.9 unauthorized_client: the client list no longer allows the client any of the services', async () => {
  const journey = await withCode()
  const clients = house.listFacts.clients
  house.publishLists({ clients: clients.map((client) => (client.host === 'pgo.localhost' ? { ...client, services: [999] } : client)) })
  await house.reloadLists()
  try {
    assertTokenError(await redeem(journey), 400, 'unauthorized_client')
  } finally {
    house.publishLists({ clients })
    await house.reloadLists()
  }
  await assertStillGood(await withCode())
})

check('3.9 invalid_client: a client that was struck off the client list, or off the Whitelist, after consent', async () => {
  for (const list of ['clients', 'whitelist']) {
    const journey = await withCode()
    const before = house.listFacts[list]
    house.publishLists({ [list]: before.filter((entry) => (entry.host ?? entry) !== 'pgo.localhost') })
    await house.reloadLists()
    try {
      assertTokenError(await redeem(journey), 401, 'invalid_client')
    } finally {
      house.publishLists({ [list]: before })
      await house.reloadLists()
    }
  }
})

check('3.9 internal error: 500 or 503 while the store is away, and never a token', async () => {
  const journey = await withCode()
  house.store.execute('ALTER TABLE token_grant RENAME TO token_grant_away')
  let answer
  try {
    answer = await redeem(journey)
  } finally {
    house.store.execute('ALTER TABLE token_grant_away RENAME TO token_grant')
  }
  assert.ok([500, 503].includes(answer.status), String(answer.status))
  assert.equal(answer.json?.access_token, undefined)
  if (answer.status === 503) assert.ok(answer.headers['retry-after'])
  await assertStillGood(journey)
})
