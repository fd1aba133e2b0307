// The happy flows: collect once and for an indefinite time, share, subscribe and ending a subscription (spec 2).
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { SANNE, Browser, exchange, forms, startHouse, visibleText } from './harness.mjs'
import { assertPage, check, eventsOf } from './support/checks.mjs'

let house
before(async () => { house = await startHouse('happy') })
after(() => house.stop())

const TOKEN = /^[A-Za-z0-9_-]{43}$/

check('2.2 collect, once: from the PGO through login and consent to a token for what the provider offers', async () => {
  const journey = await house.journey('huisartsdeduinen').open()
  assertPage(journey.page, 200, 'Huisartsenpraktijk De Duinen', 'Inloggen met DigiD')
  await journey.login()
  assertPage(journey.page, 200, 'Toestemming geven', 'Mijn PGO & Zo', 'Huisartsgegevens', 'Basisgegevens Zorg', 'Documenten', 'Medicatie')
  await journey.give()
  assert.deepEqual(Object.keys(journey.answer).sort(), ['code', 'state'])
  assert.match(journey.answer.code, TOKEN)
  const tokens = await journey.redeem()
  assert.match(tokens.access_token, TOKEN)
  assert.equal(tokens.token_type.toLowerCase(), 'bearer')
  assert.equal(tokens.expires_in, 900)
  assert.equal(tokens.scope, '48 49 51 63')
  assert.equal(tokens.refresh_token, undefined, 'no refresh token for a consent that is given once')
  const facts = await house.introspect(tokens.access_token)
  assert.equal(facts.active, true)
  assert.equal(facts.client_id, 'pgo.localhost')
  assert.equal(facts.scope, '48 49 51 63')
  assert.ok(facts.exp - facts.iat <= 900)
  assert.ok(JSON.stringify(facts).includes(SANNE), 'the resource server learns whose data to give')
  assert.ok(JSON.stringify(facts).includes('huisartsdeduinen'))
})

check('2.2 collect, for an indefinite time: the same with a refresh token', async () => {
  const journey = await house.collect('huisartsdeduinen', { indefinite: true })
  assert.match(journey.tokens.refresh_token, TOKEN)
  const fresh = await journey.pgo.refresh(journey.tokens.refresh_token)
  assert.match(fresh.access_token, TOKEN)
  assert.notEqual(fresh.access_token, journey.tokens.access_token)
  assert.notEqual(fresh.refresh_token, journey.tokens.refresh_token)
  assert.equal(fresh.scope, '48 49 51 63')
  assert.equal((await house.introspect(fresh.access_token)).active, true)
})

check('2.2 the indefinite choice is offered and not preselected', async () => {
  const journey = await house.login('huisartsdeduinen')
  const box = forms(journey.page.text).flatMap((form) => form.boxes).find(({ name }) => name === 'indefinite')
  assert.deepEqual(box, { name: 'indefinite', value: 'yes', isTicked: false })
})

check('2.2 a client gets only the services that the client list allows it', async () => {
  const pgo = house.makePgo('ander.localhost', house.certificates.other)
  const journey = await house.collect('huisartsdeduinen', { pgo })
  assert.equal(journey.tokens.scope, '48')
})

check('2.3 share: exactly the pair that was asked, and never a refresh token', async () => {
  const journey = await house.login('huisartsdeduinen~53')
  assertPage(journey.page, 200, 'Vragenlijsten', 'Mijn PGO & Zo', 'Huisartsenpraktijk De Duinen')
  assert.deepEqual(forms(journey.page.text).flatMap((form) => form.boxes), [], 'no long-lived choice')
  await journey.choose('give', { indefinite: 'yes' })
  const tokens = await journey.redeem()
  assert.equal(tokens.scope, 'huisartsdeduinen~53')
  assert.equal(tokens.refresh_token, undefined)
})

check('2.4 subscribe: the granted days are what was asked, bounded by the policy of the provider and the list', async () => {
  for (const [asked, granted] of [[30, 30], [200, 200], [365, 200], [9999, 200]]) {
    const journey = await house.login(`subscribe~${asked}/huisartsdeduinen~49`)
    assertPage(journey.page, 200, 'Huisartsgegevens', String(granted))
    await journey.give()
    const tokens = await journey.redeem()
    assert.equal(tokens.scope, `subscribe~${granted}/huisartsdeduinen~49`)
    assert.equal(tokens.refresh_token, undefined)
  }
})

check('2.5 ending a subscription: its own statement, and zero days in the scope', async () => {
  const journey = await house.login('subscribe~0/huisartsdeduinen~49')
  assertPage(journey.page, 200, 'Meldingen stoppen', 'Huisartsgegevens')
  await journey.give()
  assert.equal((await journey.redeem()).scope, 'subscribe~0/huisartsdeduinen~49')
})

check('8.1 the events of a happy flow are logged in the order of the framework', async () => {
  const journey = await house.collect()
  const order = ['receive_authorization_request', 'show_landing_page', 'send_authentication_request', 'receive_authentication_response', 'show_consent_page', 'send_authorization_response']
  const seen = eventsOf(house, journey)
  assert.deepEqual(seen.filter((type) => order.includes(type)), order)
  const [line] = house.events().filter(({ event }) => event.trace_id === journey.request.requestId)
  assert.equal(line.event.session_id, journey.request.correlationId)
  assert.match(line.event.datetime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/)
  assert.equal(line.request.client_id, 'pgo.localhost')
  assert.doesNotMatch(line.request.uri ?? '', /\?/)
  assert.ok(house.events().some(({ event, request }) => event.type === 'send_token_response' && request.grant_type === 'authorization_code'))
})

check('8.3 the register has each statement: who, to whom, for what, which text, and how', async () => {
  const journey = await house.collect('huisartsdeduinen', { indefinite: true })
  const list = await house.cli('consent', 'list')
  const row = list.split('\n').find((line) => line.includes('pgo.localhost'))
  assert.ok(row, list)
  assert.doesNotMatch(list, new RegExp(SANNE), 'no BSN on an overview')
  const count = Number(house.store.query(`SELECT count(*) FROM consent WHERE trace_id = '${journey.request.requestId}' AND session_id = '${journey.request.correlationId}' AND is_given = 1 AND is_indefinite = 1 AND services_granted = '48 49 51 63'`))
  assert.equal(count, 1)
})

check('2.6 parallel tabs of one browser are flows of their own', async () => {
  const browser = new Browser()
  const first = await house.journey('huisartsdeduinen', { browser }).open()
  const second = await house.journey('ziekenhuisdemeerpaal', { browser }).open()
  await second.login()
  await first.login()
  assertPage(first.page, 200, 'Huisartsenpraktijk De Duinen')
  assertPage(second.page, 200, 'Ziekenhuis De Meerpaal')
  await first.give()
  await second.refuse()
  assert.equal((await first.redeem()).scope, '48 49 51 63')
  assert.deepEqual(second.answer, { error: 'access_denied', state: second.request.state })
})

check('3.14 metadata says where to go and what is supported (RFC 8414)', async () => {
  const answer = await exchange(`${house.frontUrl}/.well-known/oauth-authorization-server`)
  assert.equal(answer.status, 200)
  assert.match(answer.headers['content-type'], /^application\/json/)
  const metadata = JSON.parse(answer.text)
  assert.equal(metadata.issuer, house.frontUrl)
  assert.equal(metadata.authorization_endpoint, `${house.frontUrl}/oauth/authorize`)
  assert.equal(metadata.token_endpoint, `${house.backUrl}/oauth/token`)
  assert.equal(metadata.revocation_endpoint, `${house.backUrl}/oauth/revoke`)
  assert.deepEqual(metadata.response_types_supported, ['code'])
  assert.deepEqual([...metadata.grant_types_supported].sort(), ['authorization_code', 'refresh_token'])
  assert.deepEqual(metadata.token_endpoint_auth_methods_supported, ['tls_client_auth'])
})

check('the identity provider was asked with PKCE, state and nonce, each new', async () => {
  await house.collect()
  await house.collect()
  const [one, other] = house.idp.seen.slice(-2)
  for (const request of [one, other]) {
    assert.equal(request.response_type, 'code')
    assert.equal(request.code_challenge_method, 'S256')
    assert.match(request.scope, /\bopenid\b/)
    for (const name of ['state', 'nonce', 'code_challenge']) assert.ok(request[name].length >= 22, name)
  }
  for (const name of ['state', 'nonce', 'code_challenge']) assert.notEqual(one[name], other[name])
})

check('the page of a flow survives a reload, and reads the same', async () => {
  const journey = await house.login('huisartsdeduinen')
  const first = visibleText(journey.page.text)
  await journey.visit(journey.page.url)
  assert.equal(visibleText(journey.page.text), first)
  await journey.give()
  assert.ok(journey.answer.code)
})
