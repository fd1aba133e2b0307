// Kills the server twenty times under load (kill -9), starts it again each time, and holds the store against a ledger that the
// clients kept: what was acknowledged to anybody is there, and nothing that works once worked twice.
import assert from 'node:assert/strict'
import { createHash, randomInt } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isPostgres, startHouse } from '../flow/harness.mjs'

const KILLS = 20
const CLIENTS = 6
const LOAD_MS = [250, 900] // between a start and the next kill
const PATIENCE_MS = 300000

const ledger = {
  consents: [], // { traceId, isGiven }: the browser was sent back with it
  codes: new Map(), // code -> { successes, journey }
  access: [], // { token, family } that a client was given
  refresh: new Map(), // token -> { successes, family }
  broken: 0, // calls that the crash cut off
  surprises: [], // answers that no crash explains
  flows: 0,
}

let house
let isOver = false

before(async () => { house = await startHouse('crash') }, { timeout: 240000 })
after(() => house.stop(), { timeout: 240000 })

const isCutOff = (error) => ['ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(error.code) || /socket hang up|before secure TLS/i.test(error.message)

// Calls until there is an answer. The server was killed while a call was under way: the client cannot know whether it
// counted, and asks again. `isRepeated` tells the caller that it did.
async function insist(call) {
  for (let isRepeated = false; ; isRepeated = true) {
    try {
      const answer = await call()
      // Right after a start the lists are still on their way.
      if (answer.status !== 503) return { answer, isRepeated }
    } catch (error) {
      if (!isCutOff(error)) throw error
      ledger.broken++
    }
    if (isOver) throw Object.assign(new Error('over'), { isOver: true })
    await sleep(40)
  }
}

function surprise(what, answer) {
  ledger.surprises.push(`${what}: ${answer.status} ${answer.text.slice(0, 200)}`)
}

async function logIn(journey) {
  await insist(async () => (await journey.open()).page)
  const landing = journey.page
  // A callback that was cut off cannot be repeated when it counted; the person then starts again from the landing page.
  await insist(async () => (await journey.settle(landing).login()).page)
  return journey.page.url.includes('/oauth/consent') && journey.page.status === 200
}

async function choose(journey, isGiven) {
  const page = journey.page
  const { isRepeated } = await insist(async () => (await journey.settle(page)[isGiven ? 'give' : 'refuse'](isGiven ? { indefinite: true } : {})).page)
  if (!journey.back) {
    // The choice counted, but the answer was lost: the second press finds the session ended.
    if (!(isRepeated && journey.page.status === 400)) surprise('choice', journey.page)
    return false
  }
  ledger.consents.push({ traceId: journey.request.requestId, isGiven })
  return true
}

function note(answer, family) {
  ledger.access.push({ token: answer.json.access_token, family })
  ledger.refresh.set(answer.json.refresh_token, { successes: 0, family })
  return answer.json.refresh_token
}

// One offer of something that works once; sometimes two at the same moment.
async function offer(entry, family, call) {
  const offers = randomInt(5) === 0 ? 2 : 1
  const results = await Promise.all(Array.from({ length: offers }, () => insist(call)))
  const good = results.filter(({ answer }) => answer.status === 200)
  entry.successes += good.length
  // A second offer is theft, so that what was issued dies; whether there was one, a client that was cut off cannot know.
  if (offers > 1 || results.some(({ isRepeated }) => isRepeated)) family.isTainted = true
  for (const { answer } of results) if (answer.status !== 200 && answer.json?.error !== 'invalid_grant') surprise('token', answer)
  if (good.length === 0 && !family.isTainted) surprise('refused for no reason', results[0].answer)
  return good[0]?.answer
}

async function oneFlow() {
  const journey = house.journey('huisartsdeduinen')
  if (!(await logIn(journey))) return
  const isGiven = randomInt(6) > 0
  if (!(await choose(journey, isGiven)) || !isGiven) return
  ledger.flows++
  const family = { isTainted: false }
  const code = journey.answer.code
  const entry = { successes: 0, journey }
  ledger.codes.set(code, entry)
  let answer = await offer(entry, family, () => house.pgo.rawRedeem(journey.request, code))
  for (let i = 0; i < 3 && answer; i++) {
    const token = note(answer, family)
    answer = await offer(ledger.refresh.get(token), family, () => house.pgo.rawRefresh(token))
  }
  if (answer) note(answer, family)
}

async function client() {
  while (!isOver) {
    try {
      await oneFlow()
    } catch (error) {
      if (error.isOver) return
      if (!isCutOff(error)) ledger.surprises.push(String(error.stack))
      await sleep(40)
    }
  }
}

const digest = (text) => createHash('sha256').update(text).digest('hex')
const hexOf = (column) => (isPostgres ? `encode(${column}, 'hex')` : `lower(hex(${column}))`)
const column = (sql) => house.store.query(sql).split('\n').filter(Boolean)

test(`kill -9 ${KILLS} times under load: the server comes back each time`, { timeout: PATIENCE_MS + 120000 }, async () => {
  const end = Date.now() + PATIENCE_MS
  const clients = Array.from({ length: CLIENTS }, client)
  let kills = 0
  try {
    while (kills < KILLS && Date.now() < end) {
      const before = ledger.flows
      const patience = Date.now() + 10000
      await sleep(randomInt(...LOAD_MS))
      // On a slow machine a while longer, so that there is something to lose.
      while (ledger.flows < before + 2 && Date.now() < patience) await sleep(20)
      await house.sluis.kill()
      kills++
      await house.sluis.start()
    }
    await sleep(1000)
  } finally {
    isOver = true
    await Promise.all(clients)
  }
  console.log(`# ${kills} kills, ${ledger.broken} calls cut off, ${ledger.flows} consents, ${ledger.access.length} token answers`)
  assert.equal(kills, KILLS)
  assert.deepEqual(house.idp.faults, [])
  assert.deepEqual(ledger.surprises.slice(0, 5), [])
  assert.ok(ledger.broken > 0, 'the crashes hit calls under way')
  assert.ok(ledger.flows >= 30 && ledger.access.length >= 60, 'there was a load')
})

test('every acknowledged consent and refusal is in the register', { timeout: 240000 }, () => {
  const rows = new Map(column('SELECT trace_id, is_given FROM consent').map((line) => line.split('|')))
  assert.ok(ledger.consents.length > 0)
  for (const { traceId, isGiven } of ledger.consents) assert.equal(rows.get(traceId), isGiven ? '1' : '0', traceId)
})

test('no statement is in the register twice', { timeout: 240000 }, () => {
  assert.deepEqual(column('SELECT trace_id FROM consent GROUP BY trace_id HAVING count(*) > 1'), [])
})

test('every token that a client was given is in the store', { timeout: 240000 }, () => {
  const access = new Set(column(`SELECT ${hexOf('digest')} FROM access_token`))
  const refresh = new Set(column(`SELECT ${hexOf('digest')} FROM refresh_token`))
  for (const { token } of ledger.access) assert.ok(access.has(digest(token)))
  for (const token of ledger.refresh.keys()) assert.ok(refresh.has(digest(token)))
})

test('no code and no refresh token worked twice', { timeout: 240000 }, () => {
  for (const { successes } of ledger.codes.values()) assert.ok(successes <= 1, String(successes))
  for (const { successes } of ledger.refresh.values()) assert.ok(successes <= 1, String(successes))
})

test('tokens of families that nobody touched twice are alive', { timeout: 240000 }, async () => {
  const untouched = ledger.access.filter(({ family }) => !family.isTainted)
  assert.ok(untouched.length > 0)
  for (const { token } of untouched.slice(-100)) assert.equal((await house.introspect(token)).active, true)
})

test('what was used before the crashes does not work after them', { timeout: 240000 }, async () => {
  const codes = [...ledger.codes].filter(([, { successes }]) => successes === 1).slice(-60)
  const tokens = [...ledger.refresh].filter(([, { successes }]) => successes === 1).slice(-60)
  assert.ok(codes.length > 0 && tokens.length > 0)
  for (const [token] of tokens) assert.equal((await house.pgo.rawRefresh(token)).status, 400)
  for (const [code, { journey }] of codes) assert.equal((await house.pgo.rawRedeem(journey.request, code)).status, 400)
})

test('store and audit trail are whole', { timeout: 240000 }, async () => {
  if (!isPostgres) assert.equal(house.store.query('PRAGMA integrity_check').trim(), 'ok')
  await house.cli('audit', 'verify')
})
