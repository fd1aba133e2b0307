// The login at the identity provider: every way in which its answer may be wrong ends in a page, never in a consent
// question; and the person in the token is the person who logged in.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { HALF_YEAR, startHouse, visibleText } from './harness.mjs'
import { assertPage, assertTechnicalFailure, check, eventsOf } from './support/checks.mjs'

let house
before(async () => { house = await startHouse('login') })
after(() => house.stop())

async function spoiled(spoil, run = assertNoConsent) {
  Object.assign(house.idp, spoil)
  try {
    const journey = await house.journey('huisartsdeduinen').open()
    await journey.login()
    await run(journey)
  } finally {
    Object.assign(house.idp, { spoilIdToken: undefined, spoilAnswer: undefined, behaviour: { action: 'login', person: '999990019' } })
  }
}

function assertNoConsent(journey) {
  assertTechnicalFailure(journey, { error: 'server_error' })
  assert.doesNotMatch(visibleText(journey.page.text), /Toestemming geven/)
  assert.ok(eventsOf(house, journey).includes('receive_authentication_error'))
}

const payload = (change) => ({ spoilIdToken: ({ header, payload: claims }) => ({ header, payload: { ...claims, ...change(claims) } }) })
const header = (change, key) => ({ spoilIdToken: ({ header: head, payload: claims }, idp) => ({ header: { ...head, ...change }, payload: claims, key: key?.(idp) }) })

const lies = {
  'another nonce': payload(() => ({ nonce: 'ander' })),
  'no nonce': payload(() => ({ nonce: undefined })),
  'another issuer': payload(() => ({ iss: 'http://evil.localhost' })),
  'an issuer with a slash behind it': payload(({ iss }) => ({ iss: `${iss}/` })),
  'another audience': payload(() => ({ aud: 'iemand-anders' })),
  'several audiences and another azp': payload(({ aud }) => ({ aud: [aud, 'x'], azp: 'x' })),
  'an expired token': payload(({ iat }) => ({ iat: iat - 7200, exp: iat - 3600 })),
  'a token of the future': payload(({ iat }) => ({ iat: iat + 3600, exp: iat + 7200 })),
  'no exp': payload(() => ({ exp: undefined })),
  'exp as a text': payload(({ exp }) => ({ exp: String(exp) })),
  'no sub': payload(() => ({ sub: undefined })),
  'no BSN': payload(() => ({ bsn: undefined })),
  'a BSN that fails the eleven-test': payload(() => ({ bsn: '999990018' })),
  'a BSN as a number': payload(() => ({ bsn: 999990019 })),
  'a BSN with more in it': payload(() => ({ bsn: '999990019 ' })),
  'an empty BSN': payload(() => ({ bsn: '' })),
  'alg none': header({ alg: 'none' }),
  'HS256 with the public key in mind': header({ alg: 'HS256' }),
  'a signature by a stranger': header({}, ({ strangerKey }) => strangerKey),
  'an unknown key': header({ kid: 'weg' }, ({ strangerKey }) => strangerKey),
  'an ID token that is none': { spoilIdToken: () => 'x.y.z' },
  'a critical header': header({ crit: ['x'], x: 1 }),
  'an encrypted ID token': { spoilIdToken: () => 'a.b.c.d.e' },
}
for (const [name, spoil] of Object.entries(lies)) {
  check(`login: ${name} ends in Technische storing`, () => spoiled(spoil))
}

const answers = {
  'an answer that is no JSON': () => 'nee',
  'an answer without an ID token': ({ id_token, ...rest }) => rest,
  'a huge answer': (body) => ({ ...body, x: 'y'.repeat(5_000_000) }),
  'an OAuth error': (body, ctx) => { ctx.status = 400; return { error: 'invalid_grant' } },
}
for (const [name, spoilAnswer] of Object.entries(answers)) {
  check(`login: ${name} from its token endpoint ends in Technische storing`, () => spoiled({ spoilAnswer }))
}

for (const [code, error] of [['server_error', 'temporarily_unavailable'], ['temporarily_unavailable', 'temporarily_unavailable'], ['invalid_scope', 'server_error']]) {
  check(`3.5 IdP reports an error (${code}): Technische storing, with ${error} on the link`, async () => {
    await spoiled({ behaviour: { action: `error:${code}`, person: '999990019' } }, (journey) => assertTechnicalFailure(journey, { error }))
  })
}

check('3.5 IdP unreachable: Technische storing, with temporarily_unavailable on the link', async () => {
  const journey = await house.journey('praktijkdestoring').open()
  await journey.login()
  assertTechnicalFailure(journey, { error: 'temporarily_unavailable' })
  assert.deepEqual(eventsOf(house, journey).slice(2), ['show_technical_failure_page'], 'nothing was sent to it, nothing came from it')
})

check('3.5 IdP unreachable for its token endpoint: Technische storing', async () => {
  const journey = await house.journey('huisartsdeduinen').open()
  const callback = await journey.loginUntilCallback()
  await house.idp.stop()
  try {
    await journey.visit(callback)
  } finally {
    await house.idp.resume()
  }
  assertTechnicalFailure(journey, { error: 'temporarily_unavailable' })
  assertPage((await house.login('huisartsdeduinen')).page, 200, 'Toestemming geven')
})

// ---- the authorization response of the identity provider ----

async function altered(alter) {
  const journey = await house.journey('huisartsdeduinen').open()
  const callback = new URL(await journey.loginUntilCallback())
  alter(callback.searchParams, callback)
  const calls = house.idp.tokenCalls
  await journey.visit(callback.href)
  assert.equal(journey.back, undefined)
  assert.ok(journey.page.status >= 400, String(journey.page.status))
  assertPage(journey.page, journey.page.status)
  return house.idp.tokenCalls - calls
}

const responses = {
  'another iss (RFC 9207)': (q) => q.set('iss', 'http://evil.localhost'),
  'no iss, though announced (RFC 9207)': (q) => q.delete('iss'),
  'a repeated iss': (q) => q.append('iss', q.get('iss')),
  'no code': (q) => q.delete('code'),
  'a repeated code': (q) => q.append('code', 'x'),
  'code and error both': (q) => q.append('error', 'access_denied'),
  'no state': (q) => q.delete('state'),
  'another state': (q) => q.set('state', 'x'.repeat(43)),
  'a repeated state': (q) => q.append('state', q.get('state')),
}
for (const [name, alter] of Object.entries(responses)) {
  check(`login: ${name} in the callback is refused before the code is redeemed`, async () => {
    assert.equal(await altered(alter), 0)
  })
}

check('login: a code of another flow does not log in (PKCE)', async () => {
  const victim = await house.journey('huisartsdeduinen').open()
  const attacker = await house.journey('huisartsdeduinen').open()
  const stolen = new URL(await attacker.loginUntilCallback()).searchParams.get('code')
  const callback = new URL(await victim.loginUntilCallback())
  callback.searchParams.set('code', stolen)
  await victim.visit(callback.href)
  assertTechnicalFailure(victim, { error: 'server_error' })
})

check('login: a callback works once', async () => {
  const journey = await house.journey('huisartsdeduinen').open()
  const callback = await journey.loginUntilCallback()
  const answers = await Promise.all(Array.from({ length: 6 }, () => journey.browser.get(callback)))
  const calls = answers.filter(({ headers }) => headers.location?.includes('/oauth/consent'))
  assert.ok(calls.length >= 1)
  assert.equal(new Set(calls.map(({ headers }) => headers.location)).size, 1)
  await journey.visit(new URL(calls[0].headers.location, house.frontUrl).href)
  await journey.give()
  assert.ok(journey.answer.code)
})

check('login: a state of the other door means nothing here', async () => {
  const journey = await house.journey('huisartsdeduinen').open()
  const callback = await journey.loginUntilCallback()
  house.store.execute("UPDATE flow SET door = 'sso' WHERE stage = 1")
  const calls = house.idp.tokenCalls
  await journey.visit(callback)
  assertPage(journey.page, 400, 'niet meer geldig')
  assert.equal(house.idp.tokenCalls, calls)
})

check('login: a failed login ends the flow', async () => {
  let page
  await spoiled(lies['another nonce'], (journey) => { page = journey })
  const callback = page.browser.history.map(({ url }) => url).find((url) => url.includes('/oauth/callback'))
  await page.visit(callback)
  assert.ok(page.page.status >= 400)
})

check('login: the person in the token is the person who logged in', async () => {
  for (const person of ['123456782', '111222333']) {
    house.idp.behaviour = { action: 'login', person }
    const journey = await house.collect()
    assert.equal((await house.introspect(journey.tokens.access_token)).person, person)
  }
  house.idp.behaviour = { action: 'login', person: '999990019' }
})

check('login: works with the clock far ahead as well', async () => {
  await house.travel(HALF_YEAR, async () => assert.ok((await house.collect()).tokens.access_token))
})
