// The exceptions of the framework (spec 5.1), the rule that the PGO cannot tell them apart (5.2), and the checks of the
// provider that lead to them (6).
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before } from 'node:test'
import { Browser, exchange, startHouse, visibleText, WEBHOOK_SECRET } from './harness.mjs'
import { assertBack, assertErrorPageWithoutLink, assertPage, assertTechnicalFailure, assertTokenError, assertWayBack, check, eventsOf } from './support/checks.mjs'
import { answers } from './support/webhook.mjs'

const WEBHOOK = 'kliniekdewebhaak'
const LATE = 'kliniekdelaat'

let house
before(async () => { house = await startHouse('exceptions') })
after(() => house.stop())

// ---- 5.1 ----

const negative = {
  'no data': ['none', WEBHOOK, /geen gegevens/i],
  'no treatment relation': ['noRelation', WEBHOOK, /./],
  'too young': ['tooYoung', WEBHOOK, /16 jaar of ouder/],
  'not admissible (share)': ['none', `${WEBHOOK}~53`, /niet ontvangen/i],
  'no data for a subscription': ['none', `subscribe~30/${WEBHOOK}~49`, /./],
}
for (const [name, [answer, scope, reason]] of Object.entries(negative)) {
  check(`5.1 autoriseren 1: ${name}: the person is told that it cannot go on, and why, and nothing goes to the PGO by itself`, async () => {
    house.webhook.answer = answers[answer]()
    const journey = await house.login(scope)
    assert.equal(journey.back, undefined)
    assertPage(journey.page, 200, reason)
    assert.doesNotMatch(journey.page.text, /http-equiv="refresh"/i)
    assert.equal(journey.page.headers.refresh, undefined)
    assertWayBack(journey, 'access_denied')
  })
}

check('3.5 no data, not admissible or too young (autoriseren 1), on following the link, and 5.2: the bytes are those of a refusal', async () => {
  const state = 'dezelfde-staat-in-beide'
  const changes = { state }
  house.webhook.answer = answers.all()
  const refused = await house.login(WEBHOOK, { changes })
  await refused.refuse()
  const reference = refused.rawBack
  assert.ok(reference)
  for (const answer of ['none', 'noRelation', 'tooYoung']) {
    house.webhook.answer = answers[answer]()
    const journey = await house.login(WEBHOOK, { changes })
    const way = assertWayBack(journey, 'access_denied')
    assert.equal(way.replace(/&amp;/g, '&'), reference)
  }
  // Neither does the answer that sends the browser off say more: the same headers but for the time.
  const stable = ({ rawHeaders }) => rawHeaders.filter((_, i) => !/^(date|content-length)$/i.test(rawHeaders[i - (i % 2)]))
  house.webhook.answer = answers.all()
  const again = await house.login(WEBHOOK, { changes })
  await again.refuse()
  assert.deepEqual(stable(again.page), stable(refused.page))
})

check('5.2 share, subscribe and collect are refused with the same bytes', async () => {
  house.webhook.answer = answers.all()
  const backs = []
  for (const scope of [WEBHOOK, `${WEBHOOK}~53`, `subscribe~30/${WEBHOOK}~49`]) {
    const journey = await house.login(scope, { changes: { state: 'gelijk' } })
    await journey.refuse()
    backs.push(journey.rawBack)
  }
  assert.equal(new Set(backs).size, 1)
})

check('5.1 and 3.5 autoriseren 2: consent not given: access_denied without a cause', async () => {
  const journey = await house.login('huisartsdeduinen')
  await journey.refuse()
  assertBack(journey, { error: 'access_denied', state: journey.request.state })
  assert.deepEqual(eventsOf(house, journey).slice(-2), ['receive_refusal', 'send_authorization_response'])
})

check('3.5 autoriseren 2: confirmation not given (share): the same', async () => {
  const journey = await house.login('huisartsdeduinen~53')
  await journey.refuse()
  assertBack(journey, { error: 'access_denied', state: journey.request.state })
})

check('5.1 autoriseren 3: the choice cannot be recorded: Technische storing, with server_error on the link, and no code', async () => {
  const journey = await house.login('huisartsdeduinen')
  house.store.execute('ALTER TABLE consent RENAME TO consent_away')
  try {
    await journey.give()
  } finally {
    house.store.execute('ALTER TABLE consent_away RENAME TO consent')
  }
  assert.equal(journey.back, undefined)
  assertTechnicalFailure(journey, { error: 'server_error' })
})

check('3.5 autoriseren 3: a session that is lost ends with server_error on the link', async () => {
  const journey = await house.login('huisartsdeduinen')
  const page = journey.page
  await journey.give()
  journey.settle(page)
  await journey.give()
  assertWayBack(journey, 'server_error')
})

check('5.1 login aborted: the cancelled-login page, to go on or to stop', async () => {
  house.idp.behaviour = { action: 'cancel' }
  const journey = await house.login('huisartsdeduinen')
  house.idp.behaviour = { action: 'login', person: '999990019' }
  assertPage(journey.page, 200, 'geannuleerd', 'Sluiten')
})

check('5.1 authorization interface 1a: an error page, and both events', async () => {
  const journey = await house.journey('huisartsdeduinen', { changes: { client_id: 'onbekend.localhost' } }).open()
  assertErrorPageWithoutLink(journey.page)
  const types = house.events().slice(-3).map(({ event }) => event.type)
  assert.ok(types.includes('authorization_request_error'))
  assert.ok(types.includes('show_authorization_request_error_page'))
})

check('5.1 authorization interface 1b: told by redirect, and logged', async () => {
  const journey = await house.journey('nergens').open()
  assertBack(journey, { error: 'invalid_scope', state: journey.request.state })
  assert.ok(eventsOf(house, journey).includes('send_authorization_request_error'))
})

check('5.1 authentication cancelled: logged as receive_authorization_cancellation', async () => {
  house.idp.behaviour = { action: 'cancel' }
  const journey = await house.login('huisartsdeduinen')
  house.idp.behaviour = { action: 'login', person: '999990019' }
  assert.ok(eventsOf(house, journey).includes('receive_authorization_cancellation'))
})

check('5.1 authentication error: Technische storing, logged as receive_authentication_error', async () => {
  house.idp.behaviour = { action: 'error:invalid_scope', person: '999990019' }
  const journey = await house.login('huisartsdeduinen')
  house.idp.behaviour = { action: 'login', person: '999990019' }
  assertTechnicalFailure(journey, { error: 'server_error' })
  assert.ok(eventsOf(house, journey).includes('receive_authentication_error'))
})

check('5.1 vert 1: representation asked for, which is not offered here, stops the flow before anybody logs in', async () => {
  for (const modifier of ['onbehalfof', 'onbehalfofchild']) {
    const journey = await house.journey(`huisartsdeduinen ${modifier}`).open()
    assertBack(journey, { error: 'invalid_scope', state: journey.request.state })
  }
})

check('5.1 vert 2, 3.5 representation mismatch: representation used, not expected: the person is told, and the flow stops', async () => {
  house.idp.behaviour = { action: 'login', person: { bsn: '999990019', act: { sub: 'gemachtigde' } } }
  const journey = await house.login('huisartsdeduinen')
  house.idp.behaviour = { action: 'login', person: '999990019' }
  assert.equal(journey.back, undefined)
  assertPage(journey.page, 200, /machtig|namens/i)
  assertWayBack(journey, 'access_denied')
})

check('5.1 token interface n: an error of the token endpoint is JSON and logged as send_token_error', async () => {
  const answer = await house.pgo.rawRefresh('x')
  assertTokenError(answer, 400, 'invalid_grant')
  assert.ok(house.events().some(({ event, error }) => event.type === 'send_token_error' && error.code === 'invalid_grant'))
})

check('8.1 the back channel logs a request before its answer, and of a grant type only whether it is one of OAuth', async () => {
  const trace = randomUUID()
  const typesOf = () => house.events().filter(({ event }) => event.trace_id === trace).map(({ event }) => event.type)
  const headers = { 'MedMij-Request-ID': trace }
  await house.pgo.raw('/oauth/token', undefined, { body: 'x', headers: { ...headers, 'Content-Type': 'text/plain' } })
  assert.deepEqual(typesOf(), ['receive_token_request', 'send_token_error'])
  await house.pgo.raw('/oauth/token', { client_id: 'pgo.localhost', grant_type: 'geheim-token' }, { headers })
  assert.deepEqual(house.events().filter(({ event }) => event.trace_id === trace).map(({ request }) => request.grant_type), [undefined, undefined, 'other', 'other'])
  await house.pgo.raw('/oauth/revoke', { client_id: 'pgo.localhost', token: 'x' }, { headers })
  await house.pgo.raw('/oauth/revoke', { client_id: 'pgo.localhost' }, { headers })
  assert.deepEqual(typesOf().slice(4), ['receive_revocation_request', 'send_revocation_response', 'receive_revocation_request', 'send_revocation_error'])
})

check('5.1 resource interface 1: a resource server that asks about a dead token learns that it is not active, and no more', async () => {
  const { tokens } = await house.collect('huisartsdeduinen', { indefinite: true })
  await house.pgo.revoke(tokens.refresh_token)
  assert.deepEqual(await house.introspect(tokens.access_token), { active: false })
})

// ---- 6: the checks ----

check('6 webhook: asked for one person, the services and the function, with its secret, and nothing in the address', async () => {
  house.webhook.questions.length = 0
  house.webhook.answer = answers.all()
  await house.login(WEBHOOK)
  assert.equal(house.webhook.questions.length, 1)
  const [question] = house.webhook.questions
  assert.equal(question.authorization, `Bearer ${WEBHOOK_SECRET}`)
  assert.equal(question.path, '/beschikbaarheid')
  const text = JSON.stringify(question.body)
  for (const part of ['999990019', WEBHOOK, '48', '49', '51', 'collect']) assert.ok(text.includes(part), `${part} in ${text}`)
})

check('6 partly available: the person is asked for what there is, and the token has no more', async () => {
  house.webhook.answer = answers.only('49')
  const journey = await house.login(WEBHOOK)
  assertPage(journey.page, 200, 'Huisartsgegevens')
  assert.doesNotMatch(visibleText(journey.page.text), /Documenten|Basisgegevens/)
  await journey.give()
  assert.equal((await journey.redeem()).scope, '49')
})

const silence = {
  'an error': { status: 500 },
  'a refusal': { status: 403 },
  'no JSON': { status: 200, text: 'ja hoor' },
  'JSON of another form': { status: 200, json: { antwoord: 'ja' } },
  'an empty answer': { status: 200, text: '' },
  'an answer that comes too late': { status: 200, json: {}, delayMs: 8000 },
  'an answer that leaves a service out': { status: 200, json: { services: [{ id: '48', available: false }] } },
  'a verdict that is no boolean': { status: 200, json: { services: ['48', '49', '51'].map((id) => ({ id, available: 'false' })) } },
  'a reason that nobody knows': { status: 200, json: { services: ['48', '49', '51'].map((id) => ({ id, available: false })), reason: 'vakantie' } },
  'a redirect': { status: 302, json: {} },
}
for (const [name, answer] of Object.entries(silence)) {
  check(`6 unknown is never "not available": ${name} from the webhook ends in Technische storing`, async () => {
    house.webhook.answer = () => answer
    const journey = await house.login(WEBHOOK)
    assertTechnicalFailure(journey, { error: 'temporarily_unavailable' })
    await recover()
  })
}

check('6 late check: negative for all services at the token endpoint is invalid_grant', async () => {
  house.webhook.answer = answers.all()
  const journey = await house.login(LATE)
  assertPage(journey.page, 200, 'Toestemming geven')
  await journey.give()
  house.webhook.answer = answers.none()
  assertTokenError(await house.pgo.rawRedeem(journey.request, journey.answer.code), 400, 'invalid_grant')
})

check('3.9 availability check negative for all services: invalid_grant, and no text that tells why', async () => {
  for (const answer of ['none', 'noRelation', 'tooYoung']) {
    house.webhook.answer = answers.all()
    const journey = await house.login(LATE)
    await journey.give()
    house.webhook.answer = answers[answer]()
    const refused = await house.pgo.rawRedeem(journey.request, journey.answer.code)
    assert.equal(refused.text, '{"error":"invalid_grant"}')
  }
})

check('6 late check: partly available narrows the scope of the token', async () => {
  house.webhook.answer = answers.only('48')
  const journey = await house.login(LATE)
  assertPage(journey.page, 200, 'Huisartsgegevens', 'Basisgegevens Zorg')
  await journey.give()
  assert.equal((await journey.redeem()).scope, '48')
})

check('6 late check: unknown is 503 or 500, and the code stays consumed', async () => {
  house.webhook.answer = answers.all()
  const journey = await house.login(LATE)
  await journey.give()
  house.webhook.answer = () => ({ status: 500 })
  const answer = await house.pgo.rawRedeem(journey.request, journey.answer.code)
  assert.ok([500, 503].includes(answer.status), answer.text)
  await recover()
  house.webhook.answer = answers.all()
  assertTokenError(await house.pgo.rawRedeem(journey.request, journey.answer.code), 400, 'invalid_grant')
})

check('6 refresh: the check is mandatory; negative is invalid_grant, unknown keeps the refresh token alive', async () => {
  house.webhook.answer = answers.all()
  const { tokens } = await house.collect(LATE, { indefinite: true })
  house.webhook.answer = () => ({ status: 500 })
  const unknown = await house.pgo.rawRefresh(tokens.refresh_token)
  assert.ok([500, 503].includes(unknown.status), unknown.text)
  await recover()
  house.webhook.answer = answers.none()
  assertTokenError(await house.pgo.rawRefresh(tokens.refresh_token), 400, 'invalid_grant')
  house.webhook.answer = answers.only('49')
  const again = await house.pgo.refresh(tokens.refresh_token)
  assert.equal(again.scope, '49')
})

check('6 ending a subscription needs no check', async () => {
  house.webhook.questions.length = 0
  house.webhook.answer = answers.none()
  const journey = await house.login(`subscribe~0/${WEBHOOK}~49`)
  assertPage(journey.page, 200, 'Meldingen stoppen')
})

check('6 a webhook that is away does not stop what needs no check', async () => {
  await house.webhook.stop()
  try {
    assert.equal((await house.collect('huisartsdeduinen')).tokens.scope, '48 49 51 63')
    const journey = await house.login(WEBHOOK)
    assertTechnicalFailure(journey, { error: 'temporarily_unavailable' })
  } finally {
    await house.webhook.resume()
    await recover()
  }
})

// Last, and on an endpoint of its own, since the breaker stays open for a while.
check('6 circuit breaker: after repeated failures the back end is left alone for a while, and people need not wait for it', async () => {
  house.webhook.answer = () => ({ status: 200, json: {}, delayMs: 4000 })
  for (let i = 0; i < 5; i++) await house.login('kliniekdestilte')
  house.webhook.questions.length = 0
  const journey = await house.login('kliniekdestilte')
  assertTechnicalFailure(journey, { error: 'temporarily_unavailable' })
  assert.equal(house.webhook.questions.length, 0)
  house.webhook.answer = answers.all()
  assertPage((await house.login(WEBHOOK)).page, 200, 'Toestemming geven')
})

// A success in between keeps the breaker closed for the next test.
async function recover() {
  house.webhook.answer = answers.all()
  assertPage((await house.login(WEBHOOK)).page, 200, 'Toestemming geven')
}
