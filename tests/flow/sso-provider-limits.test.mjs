// Secrets, codes and tokens of applications cannot be guessed without bound at our OpenID provider, and an application that
// works is never limited, whoever guesses beside it. Limits are so low here that a slow machine cannot outlive them.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before } from 'node:test'
import { exchange } from './harness.mjs'
import { check } from './support/checks.mjs'
import { until } from './support/patience.mjs'
import { TEST, openProfessionals } from './support/professionals.mjs'

const SECRET = 'geheim-van-de-apotheek'
const CLIENTS = ['apotheek', 'rooster', 'wekker']
const CALLS = 40 // of one who guesses

let house, issuer, callback, browser
before(async () => {
  house = await openProfessionals('sso-provider-limits', {
    sso: { starts_per_address: 1000000, starts_burst: 1000000, starts_per_connection: 1000000, failures_per_address: 3, failures_per_client: 6 },
    proxies: { trusted: ['127.0.0.1'] },
  })
  issuer = `${house.frontUrl}/sso/oidc`
  callback = house.at('app', '/openid')
  await house.importOwn((data) => {
    const application = (client_id) => ({ platform: 'demo', environment: 'production', customer_key: 'duinzicht', client_id, connections: TEST, redirect_uris: callback, client_secret: SECRET })
    data.applications = CLIENTS.map(application)
  })
  for (const client of CLIENTS) await seen(client)
  await signIn()
}, { timeout: 120000 })
after(() => house?.stop(), { timeout: 120000 })

const authorize = (client_id, challenge) => `${issuer}/authorize?${new URLSearchParams({
  client_id, redirect_uri: callback, response_type: 'code', scope: 'openid', code_challenge: challenge, code_challenge_method: 'S256' })}`

// Business data are seen within seconds, not at once; a client that is not known gets a page.
const seen = (client) => until(`${client} is known`, async () => (await exchange(authorize(client, 'A'.repeat(43)))).status === 303)

// A session of its own, which getCode takes from then on.
async function signIn() {
  browser = (await house.enter({ name: 'Anne', locaties: ['10'] })).browser
  assert.ok((await getCode()).code)
}

// A code out of the live session.
async function getCode(client = 'apotheek') {
  const verifier = randomBytes(32).toString('base64url')
  const { headers } = await browser.get(authorize(client, createHash('sha256').update(verifier).digest('base64url')))
  return { client, verifier, code: new URL(headers.location).searchParams.get('code') }
}

async function call(path, address, options) {
  const answer = await exchange(`${issuer}${path}`, { ...options, headers: { 'X-Forwarded-For': address, ...options.headers } })
  if (answer.status === 429) {
    assert.match(answer.headers['retry-after'], /^[1-9]\d?$/)
    assert.match(answer.headers['cache-control'], /no-store/)
    assert.equal(JSON.parse(answer.text).error, 'temporarily_unavailable')
  }
  return answer
}

const token = (address, { client, verifier, code }, more = {}) => call('/token', address, {
  method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams({ grant_type: 'authorization_code', client_id: client, client_secret: SECRET, code, redirect_uri: callback, code_verifier: verifier, ...more }).toString(),
})
const userinfo = (address, access) => call('/userinfo', address, { headers: { Authorization: `Bearer ${access}` } })
const guess = { client: 'apotheek', verifier: 'A'.repeat(43), code: 'A'.repeat(400) }

// Calls until one is refused for its number; the statuses.
async function exhaust(run) {
  const statuses = []
  while (statuses.length < CALLS && statuses.at(-1) !== 429) statuses.push((await run(statuses.length)).status)
  assert.equal(statuses.at(-1), 429, statuses.join())
  return statuses
}

// What an application that works does, from that address.
async function assertWorks(address, client) {
  for (let i = 0; i < 5; i++) {
    const answer = await token(address, await getCode(client))
    assert.equal(answer.status, 200, answer.text)
    assert.equal((await userinfo(address, JSON.parse(answer.text).access_token)).status, 200)
  }
}

const lines = () => house.sluis.log().split('\n').filter((line) => line.includes('"oidc_limited"')).map((line) => JSON.parse(line))
const limited = async () => Number(/^sluis_sso_provider_refusals_total\{reason="limited"\} (\d+)$/m.exec(await house.metrics())[1])

check('an address that guesses secrets gets 429 with Retry-After; one line in the log tells, and the application goes on', async () => {
  const address = '198.51.100.20'
  const before = await limited()
  const statuses = await exhaust(() => token(address, guess, { client_secret: 'mis' }))
  assert.equal(statuses[0], 401)
  assert.equal(await limited(), before + 1)
  const line = lines().find((one) => one.address === address)
  assert.deepEqual([line.code, line.scope, line.client], [106, 'address', 'apotheek'])
  await assertWorks(address)
  assert.equal((await userinfo('198.51.100.21', 'AAAA')).status, 401) // another address is not touched
})

check('guesses at codes and tokens count for the address as well, and so does what is no call at all', async () => {
  for (const [address, run] of [
    ['198.51.100.30', (from) => token(from, guess)],
    ['198.51.100.31', (from) => userinfo(from, 'A'.repeat(400))],
    ['198.51.100.32', (from) => call('/token', from, { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } })],
    ['198.51.100.33', (from) => token(from, guess, { grant_type: 'password' })],
  ]) {
    await exhaust(() => run(address))
    await assertWorks(address)
  }
})

check('one secret that is guessed from everywhere: 429 for who has no code, and the application goes on', async () => {
  const statuses = await exhaust((i) => token(`203.0.113.${i + 1}`, { ...guess, client: 'rooster' }, { client_secret: 'mis' }))
  assert.equal(statuses[0], 401)
  assert.ok(lines().some(({ scope, client }) => scope === 'client' && client === 'rooster'))
  await assertWorks('203.0.113.200', 'rooster')
})

check('who has a code has ten guesses with the codes of that session', async () => {
  const address = '198.51.100.40'
  await exhaust(() => token(address, guess))
  const mine = await getCode()
  // Earlier for Sluis, so that the code stays good however slowly the guesses go.
  const statuses = await house.shifted(-600, () => exhaust(() => token(address, mine, { client_secret: 'mis' })))
  assert.deepEqual(statuses.slice(0, 10), Array(10).fill(401))
  assert.ok(lines().some(({ scope }) => scope === 'session'))
})

check('codes and tokens that have become too old, and a code that comes again, are no guesses', async () => {
  const address = '198.51.100.50'
  await signIn() // the failures of the last one are still counted
  const codes = []
  for (let i = 0; i < 10; i++) codes.push(await getCode('wekker'))
  const used = await getCode('wekker')
  const answer = await token(address, used)
  assert.equal(answer.status, 200, answer.text)
  const { access_token } = JSON.parse(answer.text)
  for (let i = 0; i < 20; i++) assert.equal((await token(address, used)).status, 400)
  await house.shifted(301, async () => {
    for (const code of codes) assert.equal((await token(address, code)).status, 400)
    for (let i = 0; i < 10; i++) assert.equal((await userinfo(address, access_token)).status, 401)
  })
})

check('a code of long ago that comes again and again is a guess, and the application goes on', async () => {
  await signIn()
  const used = await getCode('wekker')
  const answer = await token('198.51.100.60', used)
  assert.equal(answer.status, 200, answer.text)
  const statuses = await house.shifted(900, () => exhaust(() => token('198.51.100.60', used)))
  assert.equal(statuses[0], 400)
  await assertWorks('198.51.100.60', 'wekker')
})
