// Two processes on one store, at the professional's door: a login may go from one to the other, and what works once works
// once among them.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before } from 'node:test'
import { exchange, forms } from './harness.mjs'
import { check } from './support/checks.mjs'
import { until } from './support/patience.mjs'
import { TEST, YSIS, openProfessionals } from './support/professionals.mjs'

const ROUNDS = 6

let house
let other
before(async () => {
  house = await openProfessionals('sso-nodes')
  other = await house.startNode('test-2')
}, { timeout: 240000 })
after(async () => {
  await other?.sluis.stop()
  await house?.stop()
}, { timeout: 240000 })

const person = (name, ...locaties) => ({ name, locaties })

// The same request at the other process, as a balancer in front of both would hand it on.
const there = (browser, url, options = {}) => browser.get(url.replace(house.frontUrl, other.frontUrl), { ...options, headers: { Host: new URL(house.frontUrl).host } })
const verifyAt = (internalUrl, browser) => exchange(`${internalUrl}/sso/verify`, {
  headers: { Cookie: [...browser.cookies(house.frontUrl)].map(([name, value]) => `${name}=${value}`).join('; ') },
})
const exchangeAt = (internalUrl, code) => exchange(`${internalUrl}/sso/handover`, {
  method: 'POST', body: new URLSearchParams({ code }).toString(), headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
})
const untilCallback = { until: (location) => house.isCallback(location) }

check('a login that starts at one and comes back at the other: the session holds at both', async () => {
  const { browser, location } = await house.enter(person('Anna', '10'), untilCallback)
  const answer = await there(browser, location)
  assert.equal(answer.status, 303, answer.text)
  for (const url of [house.internalUrl, other.internalUrl]) {
    const { status, headers } = await verifyAt(url, browser)
    assert.deepEqual([status, headers['x-sso-name']], [200, 'Anna'])
  }
  // One entry, with the steps that each of them saw.
  const entry = await house.newest(TEST)
  assert.deepEqual([entry.result, entry.steps.filter(({ ok }) => ok).map(({ n }) => n)], ['geslaagd', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]])
})

check('MAP-5: an unknown location that both meet at the same moment is one row, seen by each', async () => {
  for (let i = 0; i < ROUNDS; i++) {
    const code = `N${i}`
    const logins = []
    for (const name of ['Bo', 'Ca', 'Do', 'Ed']) logins.push(await house.enter(person(name, '10', code), untilCallback))
    const answers = await Promise.all(logins.map(({ browser, location }, n) => (n % 2 ? there(browser, location) : browser.get(location))))
    assert.deepEqual(answers.map(({ status }) => status), [303, 303, 303, 303])
    assert.equal(house.store.query(`SELECT count(*) FROM sso_mapping WHERE code = '${code}'`).trim(), '1')
    assert.equal(house.store.query(`SELECT seen_count FROM sso_mapping WHERE code = '${code}'`).trim(), '4')
  }
})

check('one new person who comes in at both at the same moment is one user', async () => {
  for (let i = 0; i < ROUNDS; i++) {
    const users = house.count('sso_user')
    const logins = []
    for (let n = 0; n < 4; n++) logins.push(await house.enter(person(`Fo ${i}`, '10'), untilCallback))
    const answers = await Promise.all(logins.map(({ browser, location }, n) => (n % 2 ? there(browser, location) : browser.get(location))))
    assert.deepEqual(answers.map(({ status }) => status), [303, 303, 303, 303])
    assert.equal(house.count('sso_user') - users, 1)
  }
})

check('RSP-8: a state taken to both at the same moment is one login, and later it is known at the other', async () => {
  for (let i = 0; i < ROUNDS; i++) {
    const { browser, location } = await house.enter(person('Gea', '10'), untilCallback)
    const [calls, sessions] = [house.providers[TEST].tokenCalls, house.count('sso_session')]
    const answers = await Promise.all([browser.get(location), there(browser, location), browser.get(location), there(browser, location)])
    assert.equal(house.providers[TEST].tokenCalls - calls, 1)
    assert.equal(house.count('sso_session') - sessions, 1)
    assert.equal(answers.filter(({ headers }) => headers['set-cookie']?.some((line) => line.startsWith('sluis_s='))).length, 1)
  }
  const { browser, location } = await house.enter(person('Gea', '10'), untilCallback)
  assert.equal((await browser.get(location)).status, 303)
  const back = await there(browser, location) // the Back button
  assert.deepEqual([back.status, new URL(back.headers.location, house.frontUrl).pathname], [303, '/'])
  browser.jar.get('localhost').delete('sluis_s')
  const replay = await there(browser, location)
  assert.ok(replay.status >= 400)
  assert.equal((await house.entry(house.settle(browser, replay).reference)).code, 304)
})

check('a hand-over code offered to both at the same moment is taken once', async () => {
  for (let i = 0; i < ROUNDS; i++) {
    const browser = await house.member('sandra')
    const { location } = await house.press(browser, {}, (url) => house.isCallback(url))
    const code = new URL((await there(browser, location)).headers.location).searchParams.get('code')
    const answers = await Promise.all([house, other, house, other].map(({ internalUrl }) => exchangeAt(internalUrl, code)))
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 400, 400, 400])
    assert.equal(JSON.parse(answers.find(({ status }) => status === 200).text).connection, YSIS)
  }
})

// An application's server at either of them, by the name that both have.
const asApplication = (url, options = {}) => exchange(`${url}`, { ...options, headers: { Host: new URL(house.frontUrl).host, ...options.headers } })

check('an application\'s code that is offered at both gives tokens at one, and the replay takes them back at both', async () => {
  const redirectUri = house.at('app', '/openid')
  await house.importOwn((data) => {
    data.applications = [{
      platform: 'demo', environment: 'production', customer_key: 'duinzicht', client_id: 'apotheek', connections: TEST, redirect_uris: redirectUri, client_auth: 'none',
    }]
  })
  const verifier = randomBytes(32).toString('base64url')
  const request = new URLSearchParams({
    client_id: 'apotheek', redirect_uri: redirectUri, response_type: 'code', scope: 'openid', code_challenge_method: 'S256',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  })
  const { browser } = await house.enter(person('Ies', '10'))
  // Both have seen the application; business data are seen within seconds.
  const ask = (front) => until('a code', async () => {
    const { headers } = await browser.get(`${front}/sso/oidc/authorize?${request}`, { headers: { Host: new URL(house.frontUrl).host } })
    return headers.location && new URL(headers.location).searchParams.get('code')
  })
  const redeem = (front, code) => asApplication(`${front}/sso/oidc/token`, {
    method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ grant_type: 'authorization_code', client_id: 'apotheek', code, redirect_uri: redirectUri, code_verifier: verifier }).toString(),
  })
  const fronts = [house.frontUrl, other.frontUrl]
  for (const front of fronts) await ask(front)
  const code = await ask(house.frontUrl)
  const first = await redeem(house.frontUrl, code)
  assert.equal(first.status, 200, first.text)
  const userinfo = () => Promise.all(fronts.map((front) => asApplication(`${front}/sso/oidc/userinfo`, { headers: { Authorization: `Bearer ${JSON.parse(first.text).access_token}` } }).then(({ status }) => status)))
  assert.deepEqual(await userinfo(), [200, 200])
  assert.equal((await redeem(other.frontUrl, code)).status, 400)
  assert.deepEqual(await userinfo(), [401, 401])
})

check('who logs out at one is out at the other', async () => {
  const { browser } = await house.enter(person('Hans', '10'))
  const kept = browser.cookies(house.frontUrl).get('sluis_s')
  assert.equal((await verifyAt(other.internalUrl, browser)).status, 200)
  const page = await browser.get(`${house.frontUrl}/sso/logout`)
  await browser.post(`${house.frontUrl}/sso/logout`, { token: forms(page.text)[0].fields.token })
  assert.equal((await exchange(`${other.internalUrl}/sso/verify`, { headers: { Cookie: `sluis_s=${kept}` } })).status, 401)
})
