// Users with more than one identity (USR-2, USR-5), and what an administrator ends (OUT-9, PRM-8), at two processes on one
// store, with three identity providers that somebody else wrote.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe } from 'node:test'
import { exchange } from './harness.mjs'
import { check } from './support/checks.mjs'
import { signToken } from './support/identity-provider.mjs'
import { POST, SEPARATE, TEST, openProfessionals, step } from './support/professionals.mjs'

const ROUNDS = 4
const DIRK = 'personeelsnummer-7004-van-dirk' // not to stand in the log by chance
const linking = (data) => {
  for (const connection of data.connections) {
    if ([TEST, POST].includes(`duinzicht_${connection.provider_key}`)) connection.link_claim = 'personeelsnummer'
  }
}

let house
let other
before(async () => {
  house = await openProfessionals('sso-users')
  await house.importOwn(linking)
  // Both processes start with the connections as they are now.
  await house.sluis.stop()
  await house.start()
  other = await house.startNode('test-2')
}, { timeout: 120000 })
after(async () => {
  await other?.sluis.stop()
  await house?.stop()
}, { timeout: 120000 })

const nurse = (name, number, ...locaties) => ({
  name, locaties: locaties.length ? locaties : ['10'], ...(number !== undefined && { personeelsnummer: number }),
})
const rows = (sql) => house.store.query(sql).split('\n').map((line) => line.trim()).filter(Boolean)
const references = () => rows('SELECT log_reference FROM sso_session')
const isIn = async (browser) => (await house.verify(browser)).status === 200
const usersOf = () => house.count('sso_user', "linked_to = ''")

// A login that succeeds: who it is to applications, and its entry.
async function enter(slug, person) {
  const before = new Set(references())
  const { browser, landing, text } = await house.enter(person, { slug })
  assert.equal(landing, '/', text)
  const [ref, ...more] = references().filter((reference) => !before.has(reference))
  assert.ok(ref && more.length === 0)
  const entry = await house.entry(ref)
  return { browser, ref, user: (await house.verify(browser)).headers['x-sso-user'], ninth: step(entry, 9).data }
}

async function assertRefused(slug, person, code) {
  const login = await house.enter(person, { slug })
  assert.equal(login.status, 403, login.text)
  const entry = await house.entry(login.reference)
  assert.equal(entry.code, code)
  assert.equal(step(entry, 9).ok, false)
  assert.equal(await isIn(login.browser), false)
  return step(entry, 9).data
}

// The entries that an administrator's command left of these sessions.
async function endings(name, logins) {
  const refs = (await house.entries('--user', name, '--limit', '100')).map(({ ref }) => ref)
  const entries = (await Promise.all(refs.map((ref) => house.entry(ref)))).filter((entry) => step(entry, 21))
  const ended = new Map(entries.map((entry) => [step(entry, 21).data.login, step(entry, 21).data]))
  return logins.map(({ ref }) => `${ended.get(ref)?.reason} ${ended.get(ref)?.cause}`)
}

describe('linking', () => {
  check('USR-2: the same number at the other provider is the same user, at once and later; step 9 and the audit trail tell', async () => {
    const first = await enter(TEST, nurse('Anna', '7001'))
    assert.equal(first.ninth.result, 'aangemaakt')
    const users = usersOf()
    const second = await enter(POST, nurse('Anna', 7001)) // a number here, a text there
    assert.deepEqual([second.user, second.ninth.result, second.ninth.link_claim], [first.user, 'gekoppeld', 'personeelsnummer'])
    assert.equal((await enter(POST, nurse('Anna', 7001))).ninth.result, 'gevonden')
    assert.equal((await enter(TEST, nurse('Anna', '7001'))).user, first.user)
    assert.equal(usersOf(), users)
    assert.match(await house.cli('audit', 'list', '--limit', '1000'), new RegExp(`login +user_link +${first.user}`))
    const list = await house.cli('sso', 'users', 'list', '--search', 'Anna')
    const line = list.split('\n').filter((text) => text.startsWith(first.user))
    assert.equal(line.length, 1, list)
    for (const slug of [TEST, POST]) assert.ok(line[0].includes(house.providers[slug].issuer), list)
    assert.match(await house.cli('sso', 'log', 'show', second.ref), /^ 9 +Gebruiker +v .*gekoppeld/m)
  })

  check('USR-2: no claim, a connection that does not link, the same name: a new user', async () => {
    const { user } = await enter(TEST, nurse('Bert', '7002'))
    for (const [slug, number] of [[POST, undefined], [POST, ''], [POST, '07002'], [SEPARATE, '7002']]) {
      const login = await enter(slug, nurse('Bert', number))
      assert.equal(login.ninth.result, 'aangemaakt')
      assert.notEqual(login.user, user)
    }
    // What a connection that does not link has told leads nobody anywhere.
    await enter(SEPARATE, nurse('Berta', '7102'))
    assert.equal((await enter(POST, nurse('Berta', '7102'))).ninth.result, 'aangemaakt')
  })

  check('USR-5, 804: somebody who has another subject at that provider is not taken over', async () => {
    const { user } = await enter(TEST, nurse('Cor', '7003'))
    const users = house.count('sso_user')
    const data = await assertRefused(TEST, nurse('Cornelis', '7003'), 804)
    assert.deepEqual([data.users, data.result, data.link_claim], [[user], 'niet gekoppeld', 'personeelsnummer'])
    assert.equal(house.count('sso_user'), users)
    assert.equal((await enter(TEST, nurse('Cor', '7003'))).user, user)
  })

  check('USR-5, 804: a number of two users leads to neither; the log has both', async () => {
    const one = await enter(TEST, nurse('Dirk', DIRK))
    const two = await enter(POST, nurse('Dora', '7005'))
    house.providers[POST].spoilIdToken = ({ header, payload }) => ({ header, payload: { ...payload, personeelsnummer: DIRK } })
    try {
      assert.equal((await enter(POST, nurse('Dora', '7005'))).user, two.user)
    } finally {
      house.providers[POST].spoilIdToken = undefined
    }
    const data = await assertRefused(POST, nurse('Dries', DIRK), 804)
    assert.deepEqual([...data.users].sort(), [one.user, two.user].sort())
    const { reference } = await house.enter(nurse('Dries', DIRK), { slug: POST })
    const shown = await house.cli('sso', 'log', 'show', reference)
    for (const { user } of [one, two]) assert.ok(shown.includes(user), shown)
    assert.doesNotMatch(shown, new RegExp(DIRK))
  })

  check('USR-4, 801: who is blocked is blocked by every way in, also a new one', async () => {
    const first = await enter(TEST, nurse('Eva', '7006'))
    await house.cli('sso', 'users', 'block', first.user)
    const data = await assertRefused(POST, nurse('Eva', '7006'), 801)
    assert.equal(data.user, first.user)
    await house.cli('sso', 'users', 'unblock', first.user)
    assert.equal((await enter(POST, nurse('Eva', '7006'))).ninth.result, 'gekoppeld')
    await house.cli('sso', 'users', 'block', first.user)
    for (const slug of [TEST, POST]) await assertRefused(slug, nurse('Eva', '7006'), 801)
  })

  check('OUT-5: a message with the sub of one provider ends the sessions that came by it', async () => {
    const [first, second, third] = [await enter(TEST, nurse('Fee', '7007')), await enter(POST, nurse('Fee', '7007')), await enter(POST, nurse('Fee', '7007'))]
    const provider = house.providers[POST]
    const [sub] = rows(`SELECT subject FROM sso_session WHERE log_reference = '${second.ref}'`)
    const now = Math.floor(Date.now() / 1000)
    const token = signToken({
      header: { alg: 'RS256', kid: 'test-1', typ: 'logout+jwt' },
      payload: {
        iss: provider.issuer, aud: 'sluis-rp', iat: now, exp: now + 120, jti: randomUUID(), sub, events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      },
    }, provider.privateKey)
    const answer = await exchange(`${house.startUrl(POST)}/backchannel-logout`, {
      method: 'POST', body: new URLSearchParams({ logout_token: token }).toString(), headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    })
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual(await Promise.all([first, second, third].map(({ browser }) => isIn(browser))), [true, false, false])
  })

  check('unlinking: each identity is a user of its own again, and what was open ends', async () => {
    const [first, second] = [await enter(TEST, nurse('Gijs', '7008')), await enter(POST, nurse('Gijs', '7008'))]
    assert.match(await house.cli('sso', 'users', 'unlink', first.user), /^1 link undone, 2 sessions ended; nobody is linked/m)
    for (const { browser } of [first, second]) assert.equal(await isIn(browser), false)
    assert.deepEqual(await endings('Gijs', [first, second]), ['admin user unlinked', 'admin user unlinked'])
    const again = await enter(POST, nurse('Gijs', '7008'))
    assert.notEqual(again.user, first.user)
    assert.equal((await enter(TEST, nurse('Gijs', '7008'))).user, first.user)
  })

  check('USR-2: first logins at both processes at once, by two providers with one number, make one user', async () => {
    const untilCallback = { until: (location) => house.isCallback(location) }
    const there = (browser, url) => browser.get(url.replace(house.frontUrl, other.frontUrl), { headers: { Host: new URL(house.frontUrl).host } })
    for (let i = 0; i < ROUNDS; i++) {
      const users = usersOf()
      const logins = []
      for (const slug of [TEST, POST, TEST, POST]) logins.push(await house.enter(nurse('Hans', `81${i}`), { slug, ...untilCallback }))
      const answers = await Promise.all(logins.map(({ browser, location }, n) => (n > 1 ? there(browser, location) : browser.get(location))))
      assert.deepEqual(answers.map(({ status }) => status), [303, 303, 303, 303])
      const seen = await Promise.all(logins.map(async ({ browser }) => (await house.verify(browser)).headers['x-sso-user']))
      assert.equal(new Set(seen).size, 1, seen.join(' '))
      assert.equal(usersOf() - users, 1)
    }
  })
})

describe('sessions that an administrator ends', () => {
  check('OUT-9: a block ends every session with an entry of its own', async () => {
    const logins = [await enter(TEST, nurse('Ine', '7020')), await enter(POST, nurse('Ine', '7020'))]
    assert.match(await house.cli('sso', 'users', 'block', logins[0].user), /^blocked: 2 sessions ended, and logins end with error 801$/m)
    for (const { browser } of logins) assert.equal(await isIn(browser), false)
    assert.deepEqual(await endings('Ine', logins), ['admin user blocked', 'admin user blocked'])
    assert.match(await house.cli('sso', 'users', 'unblock', logins[0].user), /not blocked/)
  })

  check('PRM-8: rights of a group pushed: counted first, then the sessions that hold it, and no other', async () => {
    await house.cli('sso', 'sessions', 'end', '--group', 'Oost') // of the tests before
    const [east, both, west] = [await enter(TEST, nurse('Jan', undefined, '10')), await enter(POST, nurse('Jan', undefined, '20', '10')), await enter(TEST, nurse('Jan', undefined, '20'))]
    const group = ['sso', 'sessions', 'end', '--group', 'Oost', '--customer', 'duinzicht']
    assert.match(await house.cli(...group, '--dry-run'), /^2 sessions would end; this was a dry run, nothing was changed$/m)
    assert.deepEqual(await Promise.all([east, both, west].map(({ browser }) => isIn(browser))), [true, true, true])
    assert.match(await house.cli(...group), /^2 sessions ended$/m)
    assert.deepEqual(await Promise.all([east, both, west].map(({ browser }) => isIn(browser))), [false, false, true])
    assert.deepEqual(await endings('Jan', [east, both, west]), ['admin group Oost', 'admin group Oost', 'undefined undefined'])
    assert.match(await house.cli('audit', 'list', '--limit', '1000'), /sessions_end +group duinzicht\/Oost +2 sessions/)
  })

  check('PRM-8: a linked location: the sessions that came with it at that connection', async () => {
    const [one, two, three] = [await enter(TEST, nurse('Kees', undefined, '20')), await enter(TEST, nurse('Kees', undefined, '10')), await enter(POST, nurse('Kees', undefined, '20'))]
    const code = ['sso', 'sessions', 'end', '--connection', TEST, '--code', '20']
    const counted = Number((await house.cli(...code, '--dry-run')).match(/^(\d+) sessions? would end/m)[1])
    assert.ok(counted >= 1)
    assert.match(await house.cli(...code), new RegExp(`^${counted} sessions? ended$`, 'm'))
    assert.deepEqual(await Promise.all([one, two, three].map(({ browser }) => isIn(browser))), [false, true, true])
    assert.deepEqual(await endings('Kees', [one]), ['admin code 20'])
  })

  check('PRM-8: more than one batch: all of them, each with an entry, an audit event per batch', async () => {
    const { ref, user } = await enter(TEST, nurse('Lot', undefined, '10'))
    await house.cli('sso', 'sessions', 'end', '--group', 'Oost en West')
    const columns = `user_id, connection, issuer, subject, sid, display_name, locations, landing, is_limited, acr, log_reference, login_at, seen_at,
      idle_s, expires_at, ends_at`
    const isSqlite = house.store.url.startsWith('sqlite')
    const cast = isSqlite ? "CAST('lot-' || n AS BLOB)" : "convert_to('lot-' || n, 'UTF8')"
    const multiply = (count) => house.store.query(`WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < ${count})
      INSERT INTO sso_session (digest, group_names, permissions, ${columns})
      SELECT ${cast}, 'Oost en West', '', ${columns} FROM sso_session, count WHERE log_reference = '${ref}'`)
    multiply(450)
    assert.equal(house.count('sso_session', `user_id = '${user}'`), 451)
    const before = house.count('sso_log', `user_id = '${user}'`)
    assert.match(await house.cli('sso', 'sessions', 'end', '--group', 'Oost en West'), /^450 sessions ended$/m)
    assert.equal(house.count('sso_session', `user_id = '${user}'`), 1)
    assert.equal(house.count('sso_log', `user_id = '${user}'`) - before, 450)
    const events = async () => (await house.cli('audit', 'list', '--limit', '1000')).match(/group duinzicht\/Oost en West +\d+ sessions/g).map((text) => text.match(/(\d+) sessions/)[1])
    assert.deepEqual((await events()).slice(1), ['200', '200', '50'])
    // Whole batches: no event of none behind them. What found none at all has one.
    multiply(400)
    assert.match(await house.cli('sso', 'sessions', 'end', '--group', 'Oost en West'), /^400 sessions ended$/m)
    assert.deepEqual((await events()).slice(4), ['200', '200'])
    assert.equal((await house.cli('sso', 'sessions', 'end', '--group', 'Oost en West')).trim(), '0 sessions ended')
    assert.deepEqual((await events()).slice(6), ['0'])
    assert.match(await house.cli('audit', 'verify'), /^intact: /)
  })
})
