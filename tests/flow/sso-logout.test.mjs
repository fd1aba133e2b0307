// Logging out at the professional's door (2.15): from here, by a message of the identity provider, and at the provider,
// against npm oidc-provider and against the health record of sluis-sim.
import assert from 'node:assert/strict'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { after, before, describe } from 'node:test'
import { Browser, exchange, forms, visibleText } from './harness.mjs'
import { assertAbsent, check } from './support/checks.mjs'
import { signToken } from './support/identity-provider.mjs'
import { until } from './support/patience.mjs'
import { DISABLED, POST, TEST, YSIS, openProfessionals, step } from './support/professionals.mjs'

let house
before(async () => { house = await openProfessionals('sso-logout') }, { timeout: 240000 })
after(() => house?.stop(), { timeout: 240000 })

const person = (name) => ({ name, locaties: ['10'] })
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

const isIn = async (browser) => (await house.verify(browser)).status === 200

// A login and what the provider calls it.
async function enter(name, options = {}) {
  const { browser, landing, text } = await house.enter(person(name), options)
  assert.equal(landing, '/', text)
  const { ref } = await house.newest(options.slug ?? TEST)
  const [subject, sid] = house.store.query(`SELECT subject || '|' || sid FROM sso_session WHERE log_reference = '${ref}'`).trim().split('|')
  return { browser, subject, sid, ref }
}

// A logout token of oidc-provider's key; undefined takes a claim out.
function logoutToken(claims, { slug = TEST, header = {}, key } = {}) {
  const now = Math.floor(Date.now() / 1000)
  const provider = house.providers[slug]
  const payload = { iss: provider.issuer, aud: 'sluis-rp', iat: now, exp: now + 120, jti: randomUUID(), events: { [EVENT]: {} }, ...claims }
  for (const [name, value] of Object.entries(payload)) if (value === undefined) delete payload[name]
  return signToken({ header: { alg: 'RS256', kid: 'test-1', typ: 'logout+jwt', ...header }, payload }, key ?? provider.privateKey)
}

function send(token, slug = TEST, options = {}) {
  return exchange(`${house.startUrl(slug)}/backchannel-logout`, {
    method: 'POST', body: new URLSearchParams({ logout_token: token }).toString(), headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, ...options,
  })
}

function assertTaken(answer) {
  assert.equal(answer.status, 200, answer.text)
  assert.match(answer.headers['cache-control'], /no-store/)
}

function assertInvalid(answer) {
  assert.equal(answer.status, 400)
  assert.deepEqual(JSON.parse(answer.text), { error: 'invalid_request' })
  assert.match(answer.headers['content-type'], /^application\/json/)
  assert.match(answer.headers['cache-control'], /no-store/)
}

// The entry that a message left, newer than the login's.
async function entryOf(number, { slug = TEST, code } = {}) {
  const entry = await house.newest(slug)
  assert.ok(step(entry, number), `step ${number} in ${JSON.stringify(entry)}`)
  assert.equal(entry.code, code ?? entry.code)
  return entry
}

describe('back-channel', () => {
  check('C25, OUT-5: with a sid that one session ends; the entry has step 23 with its checks', async () => {
    const [first, second] = [await enter('Anna'), await enter('Anna')]
    assert.equal(first.subject, second.subject)
    assert.notEqual(first.sid, second.sid)
    assertTaken(await send(logoutToken({ sub: first.subject, sid: first.sid })))
    assert.deepEqual([await isIn(first.browser), await isIn(second.browser)], [false, true])
    const entry = await entryOf(23)
    assert.deepEqual([entry.result, entry.code], ['geslaagd', 0])
    assert.deepEqual(entry.steps.map(({ n }) => n), [23, 12])
    const message = step(entry, 23)
    assert.equal(message.label, 'Logoutbericht ontvangen')
    assert.deepEqual([message.data.channel, message.data.sessions, message.ids], ['back', 1, [first.ref]])
    assert.ok(message.lines.length > 8 && message.lines.every(({ ok }) => ok), JSON.stringify(message.lines))
    assert.equal(entry.user, 'Anna')
    const shown = await house.cli('sso', 'log', 'show', entry.ref)
    assert.match(shown, /^23 {2}Logoutbericht ontvangen +v .*channel=back.*sessions=1/m)
    assert.doesNotMatch(shown, /Startverzoek|niet bereikt/)
  })

  check('C25, OUT-5: with only a sub all sessions of that user end, and of nobody else', async () => {
    const all = [await enter('Bas'), await enter('Bas'), await enter('Bas')]
    const other = await enter('Bea')
    assertTaken(await send(logoutToken({ sub: all[0].subject })))
    for (const { browser } of all) assert.equal(await isIn(browser), false)
    assert.equal(await isIn(other.browser), true)
    assert.equal(step(await entryOf(23), 23).data.sessions, 3)
  })

  check('C25, 902: a jti that was seen before is refused, and ends nothing', async () => {
    const token = logoutToken({ sub: (await enter('Cor')).subject })
    assertTaken(await send(token))
    const again = await enter('Cor')
    assertInvalid(await send(token))
    assert.equal(await isIn(again.browser), true)
    const entry = await entryOf(23, { code: 902 })
    assert.equal(entry.result, 'geweigerd')
    assert.deepEqual(entry.steps.map(({ n }) => n), [23, 12])
  })

  check('OUT-6, 903: no session that fits is 200 as well', async () => {
    assertTaken(await send(logoutToken({ sid: randomUUID() })))
    const entry = await entryOf(23, { code: 903 })
    assert.equal(entry.result, 'geslaagd met waarschuwing')
    assert.equal(step(entry, 23).data.sessions, 0)
  })

  check('C25, OUT-4, 901: a token that breaks one rule is refused with one and the same answer', async () => {
    const { browser, subject, sid } = await enter('Daan')
    const now = Math.floor(Date.now() / 1000)
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    const wrong = {
      nonce: [{ nonce: 'n-1' }], 'no jti': [{ jti: undefined }], 'no iat': [{ iat: undefined }], 'an old iat': [{ iat: now - 700 }],
      'an exp that has come': [{ exp: now - 70 }], 'no events': [{ events: undefined }], 'another event': [{ events: { 'http://schemas.openid.net/event/other': {} } }],
      'another aud': [{ aud: 'andere-toepassing' }], 'another iss': [{ iss: 'https://epd.example' }], 'neither sub nor sid': [{ sub: undefined, sid: undefined }],
      'typ at+jwt': [{}, { header: { typ: 'at+jwt' } }], 'alg none': [{}, { header: { alg: 'none' } }], 'an unknown kid': [{}, { header: { kid: 'onbekend' } }],
      'another key': [{}, { key: stranger }], 'a crit header': [{}, { header: { crit: ['x'] } }],
    }
    for (const [what, [claims, options]] of Object.entries(wrong)) {
      const answer = await send(logoutToken({ sub: subject, sid, ...claims }, options))
      assert.equal(answer.status, 400, what)
      assertInvalid(answer)
      assert.equal(await isIn(browser), true, what)
    }
    const entry = await entryOf(23, { code: 901 })
    assert.equal(entry.result, 'geweigerd')
    assertTaken(await send(logoutToken({ sub: subject, sid, exp: undefined }, { header: { typ: undefined } })))
    assert.equal(await isIn(browser), false)
  })

  check('901: the failing check is in step 23, the token is nowhere', async () => {
    const token = logoutToken({ sub: 'iemand', nonce: 'n-1' })
    assertInvalid(await send(token))
    const entry = await entryOf(23, { code: 901 })
    assert.deepEqual(step(entry, 23).lines.filter(({ ok }) => !ok), [{ k: 'nonce', ok: false }])
    assertAbsent(token.split('.')[2], 'the entry', JSON.stringify(entry))
  })

  check('a message that is no form with one logout_token, or for no connection, is refused alike', async () => {
    const token = logoutToken({ sub: 'x' })
    const url = `${house.startUrl(TEST)}/backchannel-logout`
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
    assertInvalid(await exchange(url, { method: 'POST', body: '', headers: form }))
    assertInvalid(await exchange(url, { method: 'POST', body: `logout_token=${token}&logout_token=${token}`, headers: form }))
    assertInvalid(await exchange(url, { method: 'POST', body: `logout_token=${token}`, headers: { 'Content-Type': 'text/plain' } }))
    assert.equal((await exchange(url, { method: 'POST', body: `logout_token=${'A'.repeat(16380)}`, headers: form })).status, 413)
    assertInvalid(await send(token, 'nergens_test'))
    assertInvalid(await send(token, DISABLED))
    const got = await exchange(url)
    assert.deepEqual([got.status, got.headers.allow], [405, 'POST'])
  })

  check('MET-7: a key that the provider has only just begun to use is fetched', async () => {
    const { browser, subject } = await enter('Emma', { slug: POST })
    const before = house.providers[POST].keyCalls
    assertInvalid(await send(logoutToken({ sub: subject }, { slug: POST, header: { kid: 'nieuw' } }), POST))
    assert.equal(house.providers[POST].keyCalls, before + 1)
    assertInvalid(await send(logoutToken({ sub: subject }, { slug: POST, header: { kid: 'nog-nieuwer' } }), POST))
    assert.equal(house.providers[POST].keyCalls, before + 1)
    assert.equal(await isIn(browser), true)
  })

  check('C8: acceptance and production may have one issuer: a message to the one ends nothing in the other', async () => {
    const browser = await house.member('sandra')
    for (const environment of ['production', 'acceptance']) assert.equal((await house.press(browser, { environment })).landing, '/sso')
    const where = "issuer LIKE '%epd.localhost%'"
    assert.equal(house.count('sso_session', where), 2)
    const page = await browser.post(house.at('epd', '/uitlogbericht'), { kind: 'sub', environment: 'production' })
    assert.match(visibleText(page.text), /Status 200/)
    assert.equal(house.count('sso_session', where), 1)
    const other = await browser.post(house.at('epd', '/uitlogbericht'), { kind: 'sub', environment: 'acceptance' })
    assert.match(visibleText(other.text), /Status 200/)
    assert.equal(house.count('sso_session', where), 0)
  })

  for (const [kind, status] of [['sid', 200], ['sub', 200], ['both', 200], ['nonce', 400], ['no_jti', 400], ['no_iat', 400], ['no_events', 400], ['aud', 400],
    ['iss', 400], ['alg_none', 400], ['kid', 400]]) {
    check(`the health record's message "${kind}" gets ${status}`, async () => {
      const browser = await house.member('sandra')
      assert.equal((await house.press(browser)).landing, '/sso')
      const page = await browser.post(house.at('epd', '/uitlogbericht'), { kind, environment: 'production' })
      assert.match(visibleText(page.text), new RegExp(`Status ${status}`))
      assert.equal(await isIn(browser), status === 400)
    })
  }

  check('C25: the health record sends the same message again: 400', async () => {
    const browser = await house.member('sandra')
    await house.press(browser)
    for (const [kind, status] of [['both', 200], ['replay', 400]]) {
      const page = await browser.post(house.at('epd', '/uitlogbericht'), { kind, environment: 'production' })
      assert.match(visibleText(page.text), new RegExp(`Status ${status}`))
    }
  })
})

describe('front-channel (OUT-7)', () => {
  const frame = (query, slug = TEST, browser = new Browser()) => browser.get(`${house.startUrl(slug)}/frontchannel-logout?${new URLSearchParams(query)}`)

  check('iss and sid end that session, also without its cookie; the answer may stand in a frame of the provider only', async () => {
    const [first, second] = [await enter('Femke'), await enter('Femke')]
    const { issuer } = house.providers[TEST]
    const answer = await frame({ iss: issuer, sid: first.sid })
    assert.equal(answer.status, 200)
    assert.match(answer.headers['cache-control'], /no-store/)
    assert.equal(answer.headers['x-frame-options'], undefined)
    assert.match(answer.headers['content-security-policy'], new RegExp(`frame-ancestors ${issuer.replaceAll('.', '\\.')}$`))
    assert.deepEqual([await isIn(first.browser), await isIn(second.browser)], [false, true])
    const entry = await entryOf(23, { code: 0 })
    assert.deepEqual([step(entry, 23).data.channel, step(entry, 23).data.sessions], ['front', 1])
    // In the browser itself the cookie goes as well.
    await frame({ iss: issuer, sid: second.sid }, TEST, second.browser)
    assert.equal(second.browser.cookies(house.frontUrl).get('sluis_s'), undefined)
  })

  check('who knows not both ends nothing, learns nothing, and makes no call to the provider', async () => {
    const { browser, sid, subject } = await enter('Gerda')
    const { issuer } = house.providers[TEST]
    const calls = house.providers[TEST].keyCalls
    const answers = []
    for (const query of [{}, { iss: issuer }, { sid }, { iss: 'https://epd.example', sid }, { iss: issuer, sid: randomUUID() }, { iss: issuer, sid: '' }, { iss: issuer, sid: subject }]) {
      answers.push(await frame(query, TEST, new Browser()))
      assert.equal(await isIn(browser), true, JSON.stringify(query))
    }
    for (const { status, text, headers } of answers) assert.deepEqual([status, text, headers['set-cookie']], [200, '', undefined])
    assert.equal(house.providers[TEST].keyCalls, calls)
    assert.equal((await entryOf(23, { code: 903 })).result, 'geslaagd met waarschuwing')
    assert.equal((await frame({ iss: issuer, sid }, 'nergens_test')).status, 400)
    assert.equal((await exchange(`${house.startUrl(TEST)}/frontchannel-logout?${new URLSearchParams({ iss: issuer, sid })}`, { method: 'HEAD' })).status, 200)
    assert.equal(await isIn(browser), true)
    await frame({ iss: issuer, sid })
    assert.equal(await isIn(browser), false)
  })

  check('a sid that could be guessed counts in the browser of that session only', async () => {
    const { browser, ref } = await enter('Hilde')
    const { issuer } = house.providers[TEST]
    house.store.query(`UPDATE sso_session SET sid = '42' WHERE log_reference = '${ref}'`)
    await frame({ iss: issuer, sid: '42' })
    assert.equal(await isIn(browser), true)
    await frame({ iss: issuer, sid: '42' }, TEST, browser)
    assert.equal(house.count('sso_session', `log_reference = '${ref}'`), 0)
  })
})

describe('from here (OUT-1 to OUT-3)', () => {
  const logoutUrl = () => `${house.frontUrl}/sso/logout`
  const setLogout = (mode) => house.importOwn((data) => { for (const connection of data.connections) connection.idp_logout = mode })

  check('OUT-1, OUT-9: off: the session here ends, and the entry says that somebody pressed the button', async () => {
    const { browser, ref } = await enter('Ine')
    const page = await browser.get(logoutUrl())
    assert.doesNotMatch(page.text, /dossier/)
    const done = await browser.submit(page)
    assert.match(visibleText(done.text), /U bent uitgelogd\. .* Bij de inlogdienst van uw organisatie bent u nog ingelogd/)
    assert.equal(await isIn(browser), false)
    const entry = await entryOf(21)
    assert.deepEqual([entry.result, entry.user, step(entry, 21).data.reason, step(entry, 21).data.login], ['geslaagd', 'Ine', 'local', ref])
    assert.deepEqual(entry.steps.map(({ n }) => n), [21, 12])
  })

  check('OUT-2: always: out here first, then to the end-session address of oidc-provider, and back', async () => {
    await setLogout('always')
    const { browser } = await enter('Jan')
    house.providers[TEST].logouts.length = 0
    const page = await browser.get(logoutUrl())
    assert.match(page.headers['content-security-policy'], /form-action 'self' https:/)
    const answer = await browser.submit(page)
    assert.equal(answer.status, 303)
    assert.equal(await isIn(browser), false)
    const url = new URL(answer.headers.location)
    assert.equal(`${url.origin}${url.pathname}`, `${house.providers[TEST].issuer}/session/end`)
    assert.deepEqual([...url.searchParams.keys()].sort(), ['client_id', 'id_token_hint', 'post_logout_redirect_uri', 'state'])
    assert.equal(url.searchParams.get('post_logout_redirect_uri'), `${house.startUrl(TEST)}/logged-out`)
    const confirm = await browser.follow(answer)
    const [form] = forms(confirm.text)
    const back = await browser.follow(await browser.post(new URL(form.action, confirm.url).href, { ...form.fields, logout: 'yes' }))
    assert.match(back.url, /\/logged-out\?state=/)
    assert.match(visibleText(back.text), /U bent uitgelogd, hier en bij de inlogdienst van uw organisatie/)
    assert.deepEqual(house.providers[TEST].logouts, ['taken'])
    const entries = (await house.entries('--connection', TEST, '--limit', '5')).map(({ ref }) => ref)
    const found = (await Promise.all(entries.map((ref) => house.entry(ref)))).find((one) => step(one, 21) && one.user === 'Jan')
    const ways = found.steps.filter(({ n }) => n === 22)
    assert.deepEqual(ways.map(({ data }) => [data.id_token_hint, data.return_state]), [[true, undefined], [undefined, 'ok']])
    assertAbsent(url.searchParams.get('id_token_hint').split('.')[2], 'the entry', JSON.stringify(found))
    assert.match(await house.cli('sso', 'log', 'show', found.ref), /^22 .*\n22 .*return_state=ok/m)
    // A reload shows the same page and leaves no other entry.
    assert.match(visibleText((await browser.get(back.url)).text), /hier en bij/)
  })

  check('OUT-3, 905: a way back that nobody began here: the page is shown, nothing else happens', async () => {
    await setLogout('always')
    const { browser } = await enter('Kees')
    const url = (state) => `${house.startUrl(TEST)}/logged-out${state === undefined ? '' : `?state=${state}`}`
    for (const state of [undefined, '', 'A'.repeat(43)]) {
      const page = await browser.get(url(state))
      assert.equal(page.status, 200)
      assert.match(visibleText(page.text), /Wij weten niet of u bent uitgelogd/)
    }
    assert.equal(await isIn(browser), true)
    assert.equal((await entryOf(22, { code: 905 })).result, 'geslaagd met waarschuwing')
    const state = new URL((await browser.submit(await browser.get(logoutUrl()))).headers.location).searchParams.get('state')
    assert.match(visibleText((await new Browser().get(url(state))).text), /Wij weten niet/)
    assert.match(visibleText((await browser.get(`${house.startUrl(POST)}/logged-out?state=${state}`)).text), /Wij weten niet/)
  })

  check('904: a provider without an end-session address: out here all the same, and the page says so', async () => {
    await setLogout('always')
    const { browser } = await enter('Lies', { slug: POST })
    const done = await browser.submit(await browser.get(logoutUrl()))
    assert.equal(done.status, 200)
    assert.match(visibleText(done.text), /U bent hier uitgelogd\. Uitloggen bij de inlogdienst van uw organisatie is niet gelukt/)
    assert.equal(await isIn(browser), false)
    const entry = await entryOf(22, { slug: POST, code: 904 })
    assert.deepEqual(entry.steps.map(({ n, ok }) => [n, ok]), [[21, true], [22, false], [12, true]])
    assert.equal(entry.user, 'Lies')
  })

  check('OUT-2: ask: two choices with a warning; "alleen hier" ends the session here only', async () => {
    await setLogout('ask')
    const { browser } = await enter('Mia')
    const page = await browser.get(logoutUrl())
    assert.match(visibleText(page.text), /Wilt u ook uitloggen bij de inlogdienst van uw organisatie\? Let op: dan sluit u ook uw dossier/)
    assert.deepEqual(forms(page.text)[0].buttons.map(({ value }) => value), ['here', 'everywhere'])
    const done = await browser.submit(page)
    assert.equal(done.status, 200)
    assert.equal(await isIn(browser), false)
    const again = await enter('Mia')
    const answer = await again.browser.submit(await again.browser.get(logoutUrl()), { button: { value: 'everywhere' } })
    assert.equal(answer.status, 303)
    assert.match(answer.headers.location, /\/session\/end\?/)
    assert.equal(new URL(answer.headers.location).searchParams.get('id_token_hint').split('.').length, 3)
    await setLogout('off')
  })

  check('OUT-2: ask, at the record of the demo: the ID token goes along there too', async () => {
    const browser = await house.member('sandra')
    await house.press(browser)
    const answer = await browser.submit(await browser.get(logoutUrl()), { button: { value: 'everywhere' } })
    const url = new URL(answer.headers.location)
    assert.equal(url.pathname, '/cas/oidc/oidcLogout')
    const claims = JSON.parse(Buffer.from(url.searchParams.get('id_token_hint').split('.')[1], 'base64url'))
    assert.deepEqual([claims.sub, claims.aud], ['u-1001', 'sluis-productie'])
  })

  check('oidc-provider itself: a logout there ends the session here through the back channel', async () => {
    const { browser } = await enter('Nico')
    house.providers[TEST].logouts.length = 0
    const confirm = await browser.get(`${house.providers[TEST].issuer}/session/end?client_id=sluis-rp`)
    const [form] = forms(confirm.text)
    await browser.follow(await browser.post(new URL(form.action, confirm.url).href, { ...form.fields, logout: 'yes' }))
    assert.deepEqual(house.providers[TEST].logouts, ['taken'])
    assert.equal(await isIn(browser), false)
  })
})

describe('by others', () => {
  check('OUT-9: an administrator ends the sessions of a user: an entry for each', async () => {
    const logins = [await enter('Pia'), await enter('Pia')]
    const user = house.store.query(`SELECT user_id FROM sso_session WHERE log_reference = '${logins[0].ref}'`).trim()
    assert.match(await house.cli('sso', 'sessions', 'end', '--user', user), /2 sessions ended/)
    for (const { browser } of logins) assert.equal(await isIn(browser), false)
    const entries = (await Promise.all((await house.entries('--connection', TEST, '--user', 'Pia', '--limit', '4')).map(({ ref }) => house.entry(ref))))
      .filter((entry) => step(entry, 21))
    assert.deepEqual(entries.map((entry) => step(entry, 21).data.reason), ['admin', 'admin'])
    assert.deepEqual(entries.map((entry) => step(entry, 21).data.login).sort(), logins.map(({ ref }) => ref).sort())
  })

  check('a store that fails is never 200', async () => {
    const { subject } = await enter('Otto')
    const token = logoutToken({ sub: subject })
    house.store.query('ALTER TABLE sso_session RENAME TO sso_session_weg')
    try {
      const answer = await send(token)
      assert.equal(answer.status, 503)
      assert.deepEqual(JSON.parse(answer.text), { error: 'temporarily_unavailable' })
    } finally {
      house.store.query('ALTER TABLE sso_session_weg RENAME TO sso_session')
    }
    assertTaken(await send(token)) // the jti was not used up by the failure
  })

  // The server takes away what has ended once a minute.
  check('OUT-9, SES-5: a session that was idle for too long, and one past its end, leave an entry with the reason', async () => {
    const idle = await enter('Quinten')
    const absolute = await enter('Rik')
    house.store.query(`UPDATE sso_session SET ends_at = login_at + 1, expires_at = login_at + 1 WHERE log_reference = '${absolute.ref}'`)
    house.store.query(`UPDATE sso_session SET ends_at = login_at + 1 WHERE log_reference = '${idle.ref}'`)
    const reasonOf = async (name) => {
      const refs = (await house.entries('--connection', TEST, '--user', name, '--limit', '2')).map(({ ref }) => ref)
      const entries = await Promise.all(refs.map((ref) => house.entry(ref)))
      return entries.map((entry) => step(entry, 21)?.data.reason).find(Boolean)
    }
    await until('Quinten is out', async () => await reasonOf('Quinten') !== undefined)
    assert.deepEqual([await reasonOf('Quinten'), await reasonOf('Rik')], ['idle', 'absolute'])
  })
})
