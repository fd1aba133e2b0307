// Two processes on one store: what works once works once among them, and what one issues the other knows.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { exchange, startHouse } from './harness.mjs'
import { assertPage, assertTokenError, check } from './support/checks.mjs'

let house
let other
before(async () => {
  house = await startHouse('nodes')
  other = await house.startNode('test-2')
})
after(async () => {
  await other.sluis.stop()
  await house.stop()
})

const ROUNDS = 10

async function introspectAt(url, token) {
  const answer = await exchange(`${url}/oauth/introspect`, {
    method: 'POST', body: new URLSearchParams({ token }).toString(), headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  })
  return JSON.parse(answer.text)
}

// The same page of a flow, but at the other process.
const elsewhere = (url) => url.replace(house.frontUrl, other.frontUrl)

check('a code offered to both at the same moment works at most once, and what was issued dies', async () => {
  let successes = 0
  for (let i = 0; i < ROUNDS; i++) {
    const journey = await (await house.login('huisartsdeduinen')).give()
    const answers = await Promise.all([house.pgo, other.pgo, house.pgo, other.pgo].map((pgo) => pgo.rawRedeem(journey.request, journey.answer.code)))
    const good = answers.filter(({ status }) => status === 200)
    assert.ok(good.length <= 1)
    successes += good.length
    for (const answer of answers) if (answer.status !== 200) assertTokenError(answer, 400, 'invalid_grant')
    for (const { json } of good) for (const url of [house.internalUrl, other.internalUrl]) assert.deepEqual(await introspectAt(url, json.access_token), { active: false })
  }
  assert.ok(successes > 0)
})

check('a refresh token offered to both at the same moment works once', async () => {
  for (let i = 0; i < ROUNDS; i++) {
    const { tokens } = await house.collect('huisartsdeduinen', { indefinite: true })
    const answers = await Promise.all([house.pgo, other.pgo, other.pgo, house.pgo].map((pgo) => pgo.rawRefresh(tokens.refresh_token)))
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
  }
})

check('a state taken to both at the same moment leads to one login', async () => {
  for (let i = 0; i < ROUNDS; i++) {
    const journey = await house.journey('huisartsdeduinen').open()
    const callback = await journey.loginUntilCallback()
    const calls = house.idp.tokenCalls
    const answers = await Promise.all([callback, elsewhere(callback), callback, elsewhere(callback)].map((url) => journey.browser.get(url)))
    assert.equal(house.idp.tokenCalls - calls, 1)
    const pages = new Set(answers.map(({ headers }) => headers.location).filter((location) => location?.includes('/oauth/consent')))
    assert.equal(pages.size, 1)
  }
})

check('a choice sent to both at the same moment is recorded once', async () => {
  for (let i = 0; i < ROUNDS; i++) {
    const journey = await house.login('huisartsdeduinen')
    const there = { ...journey.page, url: elsewhere(journey.page.url) }
    const give = { action: '/oauth/consent', button: { name: 'choice', value: 'give' } }
    const answers = await Promise.all([journey.page, there, journey.page, there].map((page) => journey.browser.submit(page, give)))
    assert.equal(answers.filter(({ headers }) => /[?&]code=/.test(headers.location ?? '')).length, 1)
    assert.equal(Number(house.store.query(`SELECT count(*) FROM consent WHERE trace_id = '${journey.request.requestId}'`)), 1)
  }
})

check('a flow may go on at the other process: page, choice, code and tokens', async () => {
  const journey = await house.login('huisartsdeduinen')
  await journey.visit(elsewhere(journey.page.url))
  assertPage(journey.page, 200, 'Toestemming geven')
  await journey.give({ indefinite: true })
  const answer = await house.pgo.rawRedeem(journey.request, journey.answer.code)
  assert.equal(answer.status, 200, answer.text)
  assert.equal((await introspectAt(other.internalUrl, answer.json.access_token)).active, true)
  const fresh = await other.pgo.rawRefresh(answer.json.refresh_token)
  assert.equal(fresh.status, 200)
  assert.equal((await introspectAt(house.internalUrl, fresh.json.access_token)).active, true)
})

check('what is revoked at one is dead at the other', async () => {
  const { tokens } = await house.collect('huisartsdeduinen', { indefinite: true })
  assert.equal((await introspectAt(other.internalUrl, tokens.access_token)).active, true)
  await house.pgo.revoke(tokens.refresh_token)
  assert.deepEqual(await introspectAt(other.internalUrl, tokens.access_token), { active: false })
  assertTokenError(await other.pgo.rawRefresh(tokens.refresh_token), 400, 'invalid_grant')
})

check('each process has an audit chain of its own, and all are whole', async () => {
  const nodes = house.store.query('SELECT DISTINCT node FROM audit ORDER BY node').split('\n').filter(Boolean)
  assert.ok(nodes.includes('test-1') && nodes.includes('test-2'), String(nodes))
  await house.cli('audit', 'verify')
})
