// What operations see of the professional's door: counters, and a numbered log that cannot be written (C30).
import assert from 'node:assert/strict'
import { after, before, describe } from 'node:test'
import { isPostgres } from './harness.mjs'
import { check } from './support/checks.mjs'
import { POST, TEST, openProfessionals } from './support/professionals.mjs'

let house
before(async () => { house = await openProfessionals('sso-metrics') }, { timeout: 240000 })
after(() => house?.stop(), { timeout: 240000 })

const person = (name, ...locaties) => ({ name, locaties })

async function read() {
  const text = await house.metrics()
  return (name) => Number(new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
}

const logins = (code, result, environment = 'production') => `sluis_sso_logins_total{environment="${environment}",result="${result}",code="${code}"}`

// What a counter has become, and how much it rose while something was done; the log is written behind the answer.
async function rises(names, run) {
  await house.logSettled()
  const past = await read()
  await run()
  await house.logSettled()
  const now = await read()
  return names.map((name) => now(name) - past(name))
}

// The disk says no to the numbered log, and to nothing else; `condition` is SQL about the new row.
function breakLog(condition = '1 = 1') {
  house.store.execute(isPostgres
    ? `CREATE FUNCTION full_log() RETURNS trigger AS $$ BEGIN IF ${condition} THEN RAISE EXCEPTION 'disk full'; END IF; RETURN NEW; END $$ LANGUAGE plpgsql;
       CREATE TRIGGER full_log BEFORE INSERT ON sso_log FOR EACH ROW EXECUTE FUNCTION full_log()`
    : `CREATE TRIGGER full_log BEFORE INSERT ON sso_log WHEN ${condition} BEGIN SELECT RAISE(FAIL, 'disk full'); END`)
}

const mendLog = () => house.store.execute(isPostgres ? 'DROP TRIGGER full_log ON sso_log; DROP FUNCTION full_log()' : 'DROP TRIGGER full_log')
const lostLines = () => house.sluis.log().split('\n').filter((line) => line.includes('"sso_log_lost"')).map((line) => JSON.parse(line))

describe('counters', () => {
  check('logins by code and environment, sessions by what ended them', async () => {
    assert.deepEqual(await rises([logins(0, 'succeeded'), logins(701, 'refused'), logins(808, 'warned'), 'sluis_sso_sessions_opened_total',
      'sluis_sso_sessions_ended_total{by="replaced"}', 'sluis_sso_log_lost_total'], async () => {
      const { browser } = await house.enter(person('Anna', '10'))
      browser.jar.delete('idp.localhost')
      assert.ok((await house.enter(person('Anna', '10'), { browser })).landing)
      assert.ok((await house.enter(person('Bert', '10'), { query: '?view=bestaat-niet' })).landing)
      assert.ok((await house.enter(person('Cees', '97'))).reference)
    }), [2, 1, 1, 3, 1, 0])
    assert.deepEqual(await rises([logins(0, 'succeeded', 'acceptance'), logins(0, 'succeeded')], async () => {
      const browser = await house.member('sandra')
      assert.ok((await house.press(browser, { environment: 'acceptance' })).landing)
    }), [1, 0])
  })

  check('an attempt that leads to no connection is counted, under no name of its own', async () => {
    assert.deepEqual(await rises([logins(101, 'refused', 'none')], async () => {
      for (let i = 0; i < 5; i++) await house.go(await house.member('sandra'), `niemand${i}_ysis`)
    }), [5])
    assert.doesNotMatch(await house.metrics(), /niemand/)
  })

  check('the page of counters is OpenMetrics: a name has one type line, a sample a number', async () => {
    const lines = (await house.metrics()).trimEnd().split('\n')
    assert.equal(lines.at(-1), '# EOF')
    const types = lines.filter((line) => line.startsWith('# TYPE')).map((line) => line.split(' ')[2])
    assert.equal(new Set(types).size, types.length)
    for (const line of lines.filter((one) => !one.startsWith('#'))) {
      const [, name] = /^([a-z_]+)(?:\{[^}]*\})? -?[\d.]+$/.exec(line) ?? assert.fail(line)
      assert.ok(types.some((type) => [type, `${type}_total`, `${type}_info`].includes(name)), line)
    }
  })
})

describe('C30: the numbered log cannot be written', () => {
  check('logins go on; the loss is counted, and each has its line in the process log', async () => {
    await house.logSettled()
    const told = lostLines().length
    const entries = house.count('sso_log')
    breakLog()
    let refused
    try {
      const [lost, written] = await rises(['sluis_sso_log_lost_total', 'sluis_sso_log_written_total'], async () => {
        const login = await house.enter(person('Dora Geheim', '10'))
        assert.equal(login.landing, '/')
        assert.equal((await house.verify(login.browser)).headers['x-sso-name'], 'Dora Geheim')
        refused = await house.enter(person('Erik Geheim', '98'))
        assert.match(refused.text, /Inloggen is niet gelukt/)
      })
      assert.deepEqual([lost, written], [4, 0]) // of each login the start and the end
    } finally {
      mendLog()
    }
    assert.equal(house.count('sso_log'), entries)
    const lines = lostLines().slice(told)
    assert.equal(lines.length, 4)
    const line = lines.find(({ reference, code }) => reference === refused.reference && code === 701)
    assert.ok(line, JSON.stringify(lines))
    assert.deepEqual([line.level, line.cause], ['error', 'the store refused'])
    assert.doesNotMatch(JSON.stringify(lines), /Geheim|"98"/)
  })

  check('and once it can, it is', async () => {
    assert.deepEqual(await rises(['sluis_sso_log_lost_total'], () => house.enter(person('Frank', '10'))), [0])
    assert.equal((await house.newest(TEST)).result, 'geslaagd')
    assert.equal(house.count('sso_log', "user_name = 'Frank' AND result = 'geslaagd'"), 1)
  })

  check('an entry that the store refuses takes no other with it', async () => {
    breakLog(`NEW.slug = '${POST}'`)
    try {
      const [lost] = await rises(['sluis_sso_log_lost_total'], () => Promise.all(Array.from({ length: 24 }, async (_, i) => {
        const slug = i % 4 ? TEST : POST
        assert.ok((await house.enter(person('Gijs', '10'), { slug })).landing, slug)
      })))
      assert.equal(lost, 12) // six logins, start and end
    } finally {
      mendLog()
    }
    assert.equal(house.count('sso_log', `slug = '${POST}'`), 0)
    const count = house.count('sso_log', `slug = '${TEST}' AND result = 'geslaagd'`)
    assert.ok(count >= 18, String(count))
  })
})
