// Kills the server (kill -9) the moment that a professional's browser has been sent on, and looks whether what that login
// rests on is there after a restart: session, person, and the location that it added to the mapping table.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { isPostgres } from '../flow/harness.mjs'
import { TEST, openProfessionals } from '../flow/support/professionals.mjs'

const KILLS = 8
const AT_ONCE = 4

const acknowledged = [] // { browser, digest, code }

let house
before(async () => { house = await openProfessionals('crash-sso') }, { timeout: 240000 })
after(() => house?.stop(), { timeout: 240000 })

const isCutOff = (error) => ['ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(error.code) || /socket hang up/i.test(error.message)
const hex = isPostgres ? "encode(digest, 'hex')" : 'lower(hex(digest))'
const rows = (sql) => new Set(house.store.query(sql).split('\n').filter(Boolean))

// Several logins go on at once; the first that is answered is the last thing that this process does.
async function killAtFirstAnswer(round) {
  const logins = []
  for (let i = 0; i < AT_ONCE; i++) {
    const code = `K${round}-${i}`
    const { browser, location } = await house.enter({ name: `Kees ${code}`, locaties: ['10', code] }, { until: (url) => house.isCallback(url) })
    logins.push({ browser, location, code })
  }
  await Promise.allSettled(logins.map(async ({ browser, location, code }) => {
    const back = await browser.get(location).catch((error) => { if (!isCutOff(error)) throw error })
    if (!back) return
    house.sluis.signal('SIGKILL')
    assert.equal(back.status, 303, back.text)
    acknowledged.push({ browser, code, digest: createHash('sha256').update(browser.cookies(house.frontUrl).get('sluis_s')).digest('hex') })
  })).then((results) => results.forEach(({ reason }) => { if (reason) throw reason }))
  await house.sluis.ended
  assert.equal(house.sluis.exit.signal, 'SIGKILL')
  await house.sluis.start()
}

test(`kill -9 after a login, ${KILLS} times: the server comes back each time`, { timeout: 240000 }, async () => {
  for (let round = 0; round < KILLS; round++) await killAtFirstAnswer(round)
  assert.ok(acknowledged.length >= KILLS, String(acknowledged.length))
})

test('every login that was acknowledged has its session, its person and its new location, and is still signed in', { timeout: 240000 }, async () => {
  const sessions = rows(`SELECT ${hex} FROM sso_session`)
  const names = rows('SELECT display_name FROM sso_session')
  const locations = rows("SELECT code FROM sso_mapping WHERE code LIKE 'K%'")
  for (const { browser, digest, code } of acknowledged) {
    assert.ok(sessions.has(digest), code)
    assert.ok(names.has(`Kees ${code}`), code)
    assert.ok(locations.has(code), code)
    assert.equal((await house.verify(browser)).status, 200, code)
  }
})

test('nothing is half there: one row for each location, a person for each session, and logins go on', { timeout: 240000 }, async () => {
  assert.equal(house.store.query('SELECT code FROM sso_mapping GROUP BY connection, code HAVING count(*) > 1').trim(), '')
  assert.equal(house.count('sso_session', 'user_id NOT IN (SELECT id FROM sso_user)'), 0)
  const login = await house.enter({ name: 'Koos', locaties: ['10'] })
  assert.equal(login.landing, '/')
  assert.equal((await house.newest(TEST)).result, 'geslaagd')
})
