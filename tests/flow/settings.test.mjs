// Settings that change what is accepted: the ids, parameters in the query, https, and life outside development mode.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { Browser, House, exchange, startHouse } from './harness.mjs'
import { assertErrorPageWithoutLink, assertPage, assertTokenError, check } from './support/checks.mjs'

let lenient // takes what older PGOs do
let outside // as in production, behind a proxy that ends TLS
before(async () => {
  lenient = await startHouse('lenient', { conf: { medmij: { ids_required: false, post_query: true, minimum_age: 18 } } })
  outside = new House('production')
  await outside.build({
    listFacts: () => ({ authorizationEndpoint: 'https://sluis.example.nl/oauth/authorize', tokenEndpoint: 'https://token.sluis.example.nl/oauth/token' }),
  })
  outside.writeConfiguration({ development: false, clock_offset_file: null, base_url: 'https://sluis.example.nl', token_base_url: 'https://token.sluis.example.nl' })
  await outside.start()
})
after(async () => {
  await lenient.stop()
  await outside.stop()
})

const NO_IDS = { 'MedMij-Request-ID': undefined, 'X-Correlation-ID': undefined }

check('ids not required: a flow without them works, at both ends', async () => {
  const journey = await lenient.login('huisartsdeduinen', { changes: NO_IDS })
  await journey.give()
  const answer = await lenient.pgo.rawRedeem(journey.request, journey.answer.code, {}, { headers: NO_IDS })
  assert.equal(answer.status, 200, answer.text)
})

check('ids not required: malformed ones are still refused', async () => {
  const journey = await lenient.journey('huisartsdeduinen', { changes: { 'X-Correlation-ID': 'x' } }).open()
  assert.equal(journey.answer.error, 'invalid_request')
})

check('ids not required: a request that had an X-Correlation-ID is held to it', async () => {
  const journey = await lenient.login('huisartsdeduinen')
  await journey.give()
  assertTokenError(await lenient.pgo.rawRedeem(journey.request, journey.answer.code, {}, { headers: NO_IDS }), 400, 'invalid_request')
})

check('parameters in the query of a POST are accepted when set so; never with GET, and never in both places', async () => {
  const journey = await lenient.login('huisartsdeduinen')
  await journey.give()
  const query = new URLSearchParams(lenient.pgo.codeFields(journey.request, journey.answer.code))
  const { correlationId } = journey.request
  assert.equal((await lenient.pgo.raw(`/oauth/token?${query}`, undefined, { method: 'GET', correlationId })).status, 405)
  const answer = await lenient.pgo.raw(`/oauth/token?${query}`, undefined, { body: '', correlationId })
  assert.equal(answer.status, 200, answer.text)
  assert.ok(!lenient.sluis.log().includes(journey.answer.code))
  assert.ok(!JSON.stringify(lenient.events()).includes(journey.answer.code))
})

// ---- outside development mode ----

const ask = (changes) => new Browser().get(outside.pgo.start('huisartsdeduinen', changes).url)

check('production: http and ports in a redirect_uri are refused, https on the client is taken', async () => {
  for (const uri of ['http://pgo.localhost/callback', `http://pgo.localhost:${outside.ports.pgo}/callback`, 'https://pgo.localhost:8443/callback']) {
    assertErrorPageWithoutLink(await ask({ redirect_uri: uri }))
  }
  assertPage(await ask({ redirect_uri: 'https://pgo.localhost/callback' }), 200, 'Welkom bij')
})

check('production: the cookie is __Host- and Secure, pages carry HSTS, and forms lead over https only', async () => {
  const page = await ask({ redirect_uri: 'https://pgo.localhost' })
  const [cookie] = page.headers['set-cookie']
  assert.match(cookie, /^__Host-sluis_b=/)
  assert.match(cookie, /;\s*Secure/i)
  assert.doesNotMatch(cookie, /Domain/i)
  assert.match(page.headers['strict-transport-security'], /max-age=\d{8}/)
  assert.match(page.headers['content-security-policy'], /form-action 'self' https:(;|$)/)
})

check('production: an identity provider without https is not spoken to', async () => {
  const calls = outside.idp.seen.length
  const browser = new Browser()
  const page = await browser.get(outside.pgo.start('huisartsdeduinen', { redirect_uri: 'https://pgo.localhost' }).url)
  const answer = await browser.submit(page, { action: '/oauth/login' })
  assert.ok(answer.status >= 400, String(answer.status))
  assert.equal(outside.idp.seen.length, calls)
})

check('production: metadata name the public addresses', async () => {
  const metadata = JSON.parse((await exchange(`${outside.frontUrl}/.well-known/oauth-authorization-server`)).text)
  assert.equal(metadata.issuer, 'https://sluis.example.nl')
  assert.equal(metadata.token_endpoint, 'https://token.sluis.example.nl/oauth/token')
})
