// The start of a login at the professional's door, from outside: limits, parallel tabs, starting again, and what the log
// tells of steps 1 to 4.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Browser, visibleText } from './harness.mjs'
import { TEST, YSIS, openProfessionals, step } from './support/professionals.mjs'

const check = (name, run) => test(name, { timeout: 90000 }, run)
const person = (name, ...locaties) => ({ name, locaties })

function assertIn(login, landing) {
  assert.ok(login.landing, `not signed in: ${login.status} ${login.text}`)
  assert.equal(login.landing, landing)
}

describe('INI-5: limits', () => {
  let house
  before(async () => {
    house = await openProfessionals('sso-limits', {
      sso: { starts_per_address: 30, starts_burst: 10, starts_per_connection: 120, loop_starts: 5 }, proxies: { trusted: ['127.0.0.1'] },
    })
  }, { timeout: 120000 })
  after(() => house?.stop(), { timeout: 120000 })

  const from = (address, slug = TEST, browser = new Browser()) => browser.get(house.startUrl(slug), { headers: { 'X-Forwarded-For': address } })
  // The entries of refused starts with this cause; the log is written behind the answers.
  async function refusedFor(cause) {
    for (let tries = 0; tries < 50; tries++) {
      const entries = await Promise.all((await house.entries('--code', '106')).map(({ ref }) => house.entry(ref)))
      const found = entries.filter((entry) => entry.cause === cause)
      if (found.length > 0) return found
      await sleep(100)
    }
    return []
  }

  check('INI-5: an address that starts too often gets 429 with Retry-After, and the log one entry', async () => {
    const answers = []
    for (let i = 0; i < 40; i++) answers.push(await from('198.51.100.1'))
    assert.deepEqual([...new Set(answers.slice(0, 10).map(({ status }) => status))], [303])
    const refused = answers.filter(({ status }) => status === 429)
    assert.ok(refused.length >= 25, String(refused.length))
    for (const answer of refused) {
      assert.match(answer.headers['retry-after'], /^[12]$/)
      assert.equal(visibleText(answer.text).includes('Het is erg druk. Probeer het zo opnieuw.'), true)
      assert.doesNotMatch(answer.text, /SSO-\d{8}/)
      assert.equal(answer.headers['set-cookie'], undefined)
      assert.equal(answer.headers['cache-control'], 'no-store')
    }
    const [entry, ...more] = await refusedFor('a')
    assert.deepEqual(more, [])
    assert.deepEqual([step(entry, 1).ok, step(entry, 1).data.scope, step(entry, 1).data.address], [false, 'adres', '198.51.100.1'])
    assert.equal((house.sluis.log().match(/"sso_login_refused".*"code":106/g) ?? []).length, 1)
  })

  check('INI-5: another address behind the same proxy is not touched', async () => {
    assert.equal((await from('198.51.100.2')).status, 303)
    assert.equal((await from('203.0.113.9, 198.51.100.3')).status, 303)
  })

  check('INI-5: refusals of other kinds cannot fill the log either', async () => {
    const statuses = []
    for (let i = 0; i < 30; i++) statuses.push((await from('198.51.100.4', 'niemand_ysis')).status)
    for (let i = 0; i < 30; i++) statuses.push((await new Browser().get(`${house.startUrl(TEST)}?code=x&state=${'A'.repeat(43)}`, { headers: { 'X-Forwarded-For': '198.51.100.5' } })).status)
    assert.ok(statuses.slice(0, 30).filter((status) => status === 404).length <= 15, statuses.join())
    assert.ok(statuses.slice(30).filter((status) => status === 400).length <= 15, statuses.join())
    assert.ok(statuses.includes(429))
  })

  check('INI-5: a connection that is started too often from everywhere', async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => from(`198.51.100.${100 + i}`, YSIS)))
    assert.ok(answers.filter(({ status }) => status === 429).length >= 10)
    assert.ok(answers.filter(({ status }) => status === 303).length >= 40)
    assert.equal((await refusedFor('b')).length, 1)
  })

  check('pain 9: a browser that goes round is stopped; success starts the count anew', async () => {
    const browser = new Browser()
    house.providers[TEST].behaviour = { action: 'login', person: person('Lus', '10') }
    const login = () => house.go(browser, TEST)
    for (let i = 0; i < 8; i++) assertIn(await login(), '/') // never without success
    const statuses = []
    for (let i = 0; i < 7; i++) statuses.push((await from(`192.0.2.${i}`, TEST, browser)).status)
    assert.deepEqual(statuses, [303, 303, 303, 303, 303, 429, 429])
    assert.equal((await refusedFor('c')).length, 1)
  })
})
