// The start of a login at the professional's door, from outside: limits, parallel tabs, starting again, and what the log
// tells of steps 1 to 4.
import assert from 'node:assert/strict'
import { after, before, describe } from 'node:test'
import { Browser, exchange, links, visibleText } from './harness.mjs'
import { assertAbsent, check } from './support/checks.mjs'
import { startIdentityProvider } from './support/identity-provider.mjs'
import { DISABLED, NASTY_SECRET, TEST, YSIS, openProfessionals, step } from './support/professionals.mjs'

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
  }, { timeout: 240000 })
  after(() => house?.stop(), { timeout: 240000 })

  const from = (address, slug = TEST, browser = new Browser()) => browser.get(house.startUrl(slug), { headers: { 'X-Forwarded-For': address } })
  // The entries of refused starts with this cause.
  async function refusedFor(cause) {
    const entries = await Promise.all((await house.entries('--code', '106')).map(({ ref }) => house.entry(ref)))
    return entries.filter((entry) => entry.cause === cause)
  }
  // Does something so many times, and has what is allowed in the time that it took: the burst, and one every two seconds.
  async function timed(times, run) {
    const began = Date.now()
    const statuses = []
    for (let i = 0; i < times; i++) statuses.push(await run(i))
    return { statuses, allowed: 10 + Math.ceil((Date.now() - began) / 2000) }
  }
  const count = (statuses, status) => statuses.filter((one) => one === status).length

  check('INI-5: an address that starts too often gets 429 with Retry-After, and the log one entry', async () => {
    const { statuses: answers, allowed } = await timed(40, () => from('198.51.100.1'))
    assert.deepEqual([...new Set(answers.slice(0, 10).map(({ status }) => status))], [303])
    const refused = answers.filter(({ status }) => status === 429)
    assert.ok(refused.length >= 40 - allowed, `${refused.length} refused, ${allowed} allowed`)
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
    const unknown = await timed(30, async () => (await from('198.51.100.4', 'niemand_ysis')).status)
    const callbacks = await timed(30, async () =>
      (await new Browser().get(`${house.startUrl(TEST)}?code=x&state=${'A'.repeat(43)}`, { headers: { 'X-Forwarded-For': '198.51.100.5' } })).status)
    for (const [{ statuses, allowed }, status] of [[unknown, 404], [callbacks, 400]]) {
      assert.ok(count(statuses, status) <= allowed, `${allowed} allowed: ${statuses}`)
      assert.equal(count(statuses, status) + count(statuses, 429), 30, statuses.join())
    }
  })

  check('INI-5: neither can a callback that comes again and again, nor messages about logging out that end nothing', async () => {
    const browser = new Browser()
    const forwarded = { headers: { 'X-Forwarded-For': '198.51.100.6' } }
    house.providers[TEST].behaviour = { action: 'login', person: person('Echo', '10') }
    const login = await house.go(browser, TEST, '', (location) => house.isCallback(location))
    const callback = login.answer?.location ?? login.location
    assert.ok(callback, 'no callback')
    assert.equal((await browser.get(callback, forwarded)).status, 303)
    const stranger = await timed(30, async () => (await new Browser().get(callback, forwarded)).status)
    assert.ok(count(stranger.statuses, 400) <= stranger.allowed, `${stranger.allowed} allowed: ${stranger.statuses}`)
    assert.equal(count(stranger.statuses, 400) + count(stranger.statuses, 429), 30, stranger.statuses.join())
    const lost = await timed(40, async () =>
      (await new Browser().get(`${house.startUrl(TEST)}/logged-out`, { headers: { 'X-Forwarded-For': '198.51.100.7' } })).status)
    assert.equal(count(lost.statuses, 200), 40)
    const found = (await house.entries('--code', '905', '--limit', '1000')).length
    assert.ok(found >= 5 && found <= lost.allowed, `${found} entries, ${lost.allowed} allowed`)
  })

  check('INI-5: a connection that is started too often from everywhere', async () => {
    const began = Date.now()
    const statuses = (await Promise.all(Array.from({ length: 120 }, (_, i) => from(`198.51.100.${100 + i}`, YSIS)))).map(({ status }) => status)
    const allowed = 40 + Math.ceil((Date.now() - began) / 500) // a third of a minute's at once, and two in each second
    assert.ok(count(statuses, 303) >= 40 && count(statuses, 303) <= allowed, `${allowed} allowed: ${statuses}`)
    assert.equal(count(statuses, 303) + count(statuses, 429), 120, statuses.join())
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

describe('starting again', () => {
  let house
  before(async () => { house = await openProfessionals('sso-start') }, { timeout: 240000 })
  after(() => house?.stop(), { timeout: 240000 })

  const untilCallback = (location) => house.isCallback(location)
  const cookie = (browser, name) => browser.cookies(house.frontUrl).get(name)
  const setCookie = (browser, value) => browser.jar.get('localhost').set('sluis_b', value)
  const facts = async (login) => {
    assertIn(login, '/sso')
    return (await house.handOver(new URL(login.location).searchParams.get('code'))).json
  }
  const retryOf = (login) => {
    const link = links(login.answer.text).find(({ text }) => text === 'Opnieuw proberen')
    assert.ok(link, login.text)
    return new URL(link.href, house.frontUrl).href
  }
  // The connection of TEST with other options, until `run` is over.
  async function changed(options, run) {
    const change = (data) => Object.assign(data.connections.find(({ provider_key: key }) => key === 'test'), options)
    await house.importOwn(change)
    try {
      return await run()
    } finally {
      await house.importOwn()
    }
  }

  async function assertRefused(login, code) {
    assert.ok(login.reference, `no reference: ${login.status} ${login.text}`)
    const entry = await house.entry(login.reference)
    assert.equal(entry.code, code)
    assert.equal(entry.result, 'geweigerd')
    return entry
  }

  check('C10: five tabs at once in a browser without a cookie, callbacks in reverse order: all five succeed', async () => {
    const browser = await house.member('sandra')
    assert.equal(cookie(browser, 'sluis_b'), undefined)
    const before = (await house.entries('--connection', YSIS, '--environment', 'production')).length
    // All five are sent off before the first is answered.
    const start = (await house.press(browser, { view: 'werklijst' }, (location) => location.startsWith(house.startUrl(YSIS)))).location
    const tabs = await Promise.all((await Promise.all(Array.from({ length: 5 }, () => browser.get(start)))).map((answer) => browser.follow(answer, untilCallback)))
    const given = browser.history.flatMap((answer) => (answer.headers['set-cookie'] ?? []).filter((line) => line.startsWith('sluis_b=')))
    assert.equal(new Set(given).size, 5, 'the five starts should not have known of each other')
    for (const tab of tabs.reverse()) assert.equal((await facts(await house.visit(browser, tab.location))).view, '/werklijst')
    assert.deepEqual([...browser.cookies(house.frontUrl).keys()].sort(), ['sluis_b', 'sluis_s'])
    assert.equal(cookie(browser, 'sluis_b'), given.at(-1).match(/=([^;]+)/)[1])
    const entries = (await house.entries('--connection', YSIS, '--environment', 'production')).slice(0, -before || undefined)
    const count = (result, code) => entries.filter((entry) => entry.result === result && entry.code === code).length
    assert.deepEqual([count('geslaagd', 0), count('afgebroken', 303), entries.length], [5, 4, 9])
  })

  check('C10: a login starts again by itself once; the second time it is 303', async () => {
    const browser = await house.member('sandra')
    const first = await house.press(browser, {}, untilCallback)
    setCookie(browser, 'A'.repeat(43))
    const again = await house.settle(browser, await browser.follow(await browser.get(first.location), untilCallback))
    assert.ok(again.location, again.text)
    assert.notEqual(new URL(again.location).searchParams.get('state'), new URL(first.location).searchParams.get('state'))
    setCookie(browser, 'B'.repeat(43))
    const entry = await assertRefused(await house.visit(browser, again.location), 303)
    assert.deepEqual([step(entry, 4).ok, step(entry, 4).data.cookie], [false, true])
    assert.equal(step(entry, 4).lines.find(({ k }) => k === 'RSP-6').ok, false)
  })

  check('303: another browser does not get the patient of the first', async () => {
    const browser = await house.member('sandra', { patient: '12345' })
    const first = await house.press(browser, { view: 'toedienen', context: 'bsn_jwe' }, untilCallback)
    const other = await house.member('sandra')
    other.keep(house.frontUrl, [`sluis_b=${'C'.repeat(43)}`])
    const { patient, view } = await facts(await house.visit(other, first.location))
    assert.deepEqual([patient, view], [null, '/'])
    const entry = await house.newest(YSIS)
    assert.equal(entry.code, 108)
    assert.equal(step(entry, 1).data.silent, true)
  })

  check('303: not in a frame, and not in a browser without a cookie', async () => {
    const browser = await house.member('sandra')
    const location = async () => (await house.press(browser, {}, untilCallback)).location
    const other = new Browser()
    other.keep(house.frontUrl, [`sluis_b=${'D'.repeat(43)}`])
    const framed = await other.get(await location(), { headers: { 'Sec-Fetch-Dest': 'iframe', 'Sec-Fetch-Mode': 'navigate' } })
    assert.equal(framed.status, 400)
    await assertRefused(house.settle(other, framed), 303)
    const entry = await assertRefused(await house.visit(new Browser(), await location()), 303)
    assert.equal(step(entry, 4).data.cookie, false)
    assert.equal(step(entry, 4).data.user_agent, 'geen')
  })

  check('C11: sixteen minutes at the identity provider: the button keeps view and patient', async () => {
    const browser = await house.member('sandra', { patient: '12345' })
    const { location } = await house.press(browser, { view: 'toedienen', context: 'external_id' }, untilCallback)
    const login = await house.shifted(960, () => house.visit(browser, location))
    const entry = await assertRefused(login, 302)
    assert.ok(step(entry, 4).data.age_s >= 960)
    const retry = retryOf(login)
    assert.match(new URL(retry).pathname, /^\/sso\/restart\/[0-9a-f-]{36}$/)
    assertAbsent('12345', 'the address of the button', retry)
    assert.equal(new URL(retry).search, '')
    const flows = house.count('flow')
    const head = await browser.get(retry, { method: 'HEAD' }) // INI-1
    assert.deepEqual([head.status, head.text, head.headers.location, house.count('flow')], [200, '', undefined, flows])
    const { patient, view } = await facts(await house.visit(browser, retry))
    assert.deepEqual([patient.kind, patient.value], ['external_id', '12345'])
    assert.match(view, /^\/toedienen\//)
  })

  check('the button of another browser, of nobody, and one that is too late lead to one and the same page', async () => {
    const browser = await house.member('sandra', { patient: '12345' })
    const { location } = await house.press(browser, { view: 'toedienen', context: 'external_id' }, untilCallback)
    const retry = retryOf(await house.shifted(960, () => house.visit(browser, location)))
    const plain = (answer) => ({ status: answer.status, text: answer.text.replaceAll(/SSO-\d{8}-[0-9A-Z]{8}/g, 'REF') })
    const stranger = new Browser()
    stranger.keep(house.frontUrl, [`sluis_b=${'E'.repeat(43)}`])
    const pages = [await new Browser().get(retry), await stranger.get(retry), await browser.get(`${house.frontUrl}/sso/restart/0193aaaa-0000-7000-8000-000000000001`),
      await browser.get(`${house.frontUrl}/sso/restart/niets`), await browser.get(`${retry}/none`), await house.shifted(7200, () => browser.get(retry))]
    for (const page of pages) assert.deepEqual(plain(page), plain(pages[0]))
    assert.equal(pages[0].status, 404)
    assert.doesNotMatch(pages[0].text, /toedienen|Opnieuw proberen/)
    assert.equal((await browser.get(retry, { headers: { 'Sec-Fetch-Dest': 'iframe' } })).status, 401)
  })

  for (const [error, prompt] of [['login_required', 'login'], ['interaction_required', 'login'], ['consent_required', 'consent'], ['account_selection_required', 'select_account']]) {
    check(`311: after ${error} the button asks with prompt=${prompt}`, async () => {
      house.providers[TEST].behaviour = { action: `error:${error}` }
      const login = await house.go(new Browser(), TEST, '?view=bestelronde')
      await assertRefused(login, 311)
      const retry = retryOf(login)
      assert.equal(new URL(retry).pathname.split('/').at(-1), prompt)
      const answer = await login.browser.get(retry)
      assert.equal(new URL(answer.headers.location).searchParams.get('prompt'), prompt)
      const entry = await house.newest(TEST, 'production', { isEnded: false })
      assert.equal(step(entry, 1).data.restart_of, login.reference)
      assert.equal(step(entry, 3).data.prompt, prompt)
    })
  }

  check('INI-8: a start cannot ask for a prompt', async () => {
    const answer = await new Browser().get(`${house.startUrl(TEST)}?prompt=login&scope=admin`)
    assert.equal(new URL(answer.headers.location).searchParams.get('prompt'), null)
    assert.equal(new URL(answer.headers.location).searchParams.get('scope'), 'openid')
  })

  check('REQ-8: of more than twenty open logins in one browser the oldest are dropped', async () => {
    const browser = await house.member('sandra')
    const opened = []
    for (let i = 0; i < 24; i++) {
      opened.push((await house.press(browser, {}, untilCallback)).location)
      if (i === 11) assertIn(await house.press(browser), '/sso') // a success, so that it is no loop
    }
    for (const location of opened.slice(0, 4)) await assertRefused(await house.visit(browser, location), 302)
    for (const location of [...opened.slice(4, 7), opened.at(-1)]) assertIn(await house.visit(browser, location), '/sso')
  })

  check('RSP-12: a connection that changed in between: what fits goes on, what does not starts again once', async () => {
    const { browser, location } = await house.enter(person('Versie', '10'), { until: untilCallback })
    await changed({ idle: 1200 }, async () => assertIn(await house.visit(browser, location), '/'))
    const entry = await house.newest(TEST)
    assert.ok(step(entry, 4).lines.some(({ k, ok }) => k === 'RSP-12' && ok))

    const other = await startIdentityProvider({
      clientId: 'sluis-rp', clientSecret: NASTY_SECRET, redirectUri: house.startUrl(TEST), host: 'verhuisd.localhost',
      claims: ['sub', 'locaties', 'name'],
    })
    try {
      other.behaviour = { action: 'login', person: person('Versie', '20') }
      const moved = await house.enter(person('Versie', '10'), { query: '?view=bestelronde', until: untilCallback })
      await changed({ issuer: other.issuer }, async () => {
        assertIn(await house.visit(moved.browser, moved.location), '/bestelronde/west')
        const [newest, left] = await house.entries('--connection', TEST, '--limit', '2')
        assert.deepEqual([newest.result, left.result], ['geslaagd', 'afgebroken'])
        assert.equal(step(await house.entry(newest.ref), 1).data.restart_of, left.ref)
        const lost = step(await house.entry(left.ref), 4)
        assert.deepEqual([lost.ok, lost.lines.at(-1)], [false, { k: 'RSP-12', ok: false }])
      })
    } finally {
      await other.stop()
    }
  })

  check('launch and the fixed parameters of the connection go along', async () => {
    await changed({ launch: true, extra_parameters: 'resource=urn:zorg&domain_hint=duinzicht' }, async () => {
      const answer = await new Browser().get(`${house.startUrl(TEST)}?launch=abc%26123`)
      const { searchParams } = new URL(answer.headers.location)
      assert.deepEqual([searchParams.get('launch'), searchParams.get('resource'), searchParams.get('domain_hint')], ['abc&123', 'urn:zorg', 'duinzicht'])
      const login = await house.go(new Browser(), TEST, `?launch=${'x'.repeat(513)}`)
      await assertRefused(login, 107)
    })
    const answer = await new Browser().get(`${house.startUrl(TEST)}?launch=abc`)
    assert.equal(new URL(answer.headers.location).searchParams.get('launch'), null)
  })

  check('C31: with strict_target off a foreign target is warning 105 and the default view', async () => {
    await changed({ strict_target: false }, async () => {
      assertIn(await house.enter(person('Doel', '10'), { query: '?target_link_uri=https%3A%2F%2Fevil.example%2F' }), '/')
      const entry = await house.newest(TEST)
      assert.deepEqual([entry.code, entry.result], [105, 'geslaagd met waarschuwing'])
      assert.deepEqual(step(entry, 12).data.warnings, ['105 Doel-URL niet toegestaan'])
    })
  })

  check('INI-9: pages can be framed by whom the connection names, and by nobody else', async () => {
    const page = () => new Browser().get(`${house.startUrl(TEST)}?iss=https%3A%2F%2Fanders.example`)
    const closed = await page()
    assert.match(closed.headers['content-security-policy'], /frame-ancestors 'none'/)
    assert.equal(closed.headers['x-frame-options'], 'DENY')
    await changed({ frame_ancestors: 'https://epd.example https://ander.example' }, async () => {
      const open = await page()
      assert.match(open.headers['content-security-policy'], /frame-ancestors https:\/\/epd\.example https:\/\/ander\.example;/)
      assert.equal(open.headers['x-frame-options'], undefined)
    })
  })

  check('REQ-7: a connection with form_post has a browser cookie of its own', async () => {
    await changed({ response_mode: 'form_post' }, async () => {
      const browser = new Browser()
      house.providers[TEST].behaviour = { action: 'login', person: person('Post', '10') }
      const page = await house.go(browser, TEST, '', () => false)
      assert.deepEqual([...browser.cookies(house.frontUrl).keys()], ['sluis_bn'])
      const line = browser.history.flatMap((answer) => answer.headers['set-cookie'] ?? []).find((one) => one.startsWith('sluis_bn='))
      assert.doesNotMatch(line, /SameSite=(Lax|Strict)/) // such a cookie would not come along
      const login = house.settle(browser, await browser.follow(await browser.submit(page.answer), (location) => house.isLanding(location)))
      assertIn(login, '/')
    })
  })

  check('SES-3: with form_post too the session that the browser had is over', async () => {
    const browser = new Browser()
    const enter = async (name, until) => {
      house.providers[TEST].behaviour = { action: 'login', person: person(name, '10') }
      return house.go(browser, TEST, '', until)
    }
    assertIn(await enter('Eerst'), '/')
    const old = browser.cookies(house.frontUrl).get('sluis_s')
    assert.ok(old)
    const alive = async (cookie) => (await exchange(`${house.internalUrl}/sso/verify`, { headers: { Cookie: `sluis_s=${cookie}`, Host: new URL(house.frontUrl).host } })).status
    assert.equal(await alive(old), 200)
    await changed({ response_mode: 'form_post' }, async () => {
      const page = await enter('Daarna', () => false)
      // A browser sends no SameSite=Lax cookie along with a form of another site.
      const lax = browser.cookies(house.frontUrl)
      lax.delete('sluis_s')
      // Pages of the provider in between post themselves in a browser.
      let login = page
      for (let hops = 0; hops < 3 && !login.landing; hops++) {
        login = house.settle(browser, await browser.follow(await browser.submit(login.answer), (location) => house.isLanding(location)))
      }
      assertIn(login, '/')
      assert.equal(await alive(old), 401)
    })
  })

  check('a connection that is taken out of use: its sessions open nothing more', async () => {
    const login = await house.enter(person('Uit', '10'))
    assertIn(login, '/')
    assert.equal((await house.verify(login.browser)).status, 200)
    await changed({ status: 'disabled' }, async () => {
      assert.equal((await house.verify(login.browser)).status, 401)
    })
    assert.equal((await house.verify(login.browser)).status, 200)
  })

  check('PRM-7: a connection may open a session with nothing in it', async () => {
    await assertRefused(await house.enter(person('Leeg', '30')), 702)
    await changed({ session_without_permissions: true }, async () => {
      for (const [locations, code] of [[['30'], 702], [['404'], 701], [[], 701]]) {
        const login = await house.enter(person('Leeg', ...locations), { query: '?view=bestelronde&clientId=dossier-zilverberk' })
        assertIn(login, '/')
        const entry = await house.newest(TEST)
        assert.deepEqual([entry.code, entry.result], [code, 'geslaagd met waarschuwing'])
        const { headers } = await house.verify(login.browser)
        assert.equal(headers['x-sso-permissions'] ?? '', '')
        assertAbsent('dossier-zilverberk', 'the headers', JSON.stringify(headers))
      }
      await assertRefused(await house.enter({ name: 'Geen' }), 701) // the claim is not there at all
    })
  })
})

describe('what the log tells', () => {
  let house
  before(async () => { house = await openProfessionals('sso-steps') }, { timeout: 240000 })
  after(() => house?.stop(), { timeout: 240000 })

  check('INI-1: HEAD is 200, empty, and begins nothing', async () => {
    const flows = house.count('flow')
    const answer = await exchange(house.startUrl(TEST), { method: 'HEAD' })
    assert.deepEqual([answer.status, answer.text, answer.headers['set-cookie']], [200, '', undefined])
    assert.equal(house.count('flow'), flows)
  })

  check('5.2: steps 1 to 4, 7 to 9 and 12 of a login', async () => {
    const { browser } = await house.enter(person('Stap', '10', '20', '88'))
    const issuer = house.providers[TEST].issuer
    browser.jar.delete('idp.localhost') // another person may log in there
    house.providers[TEST].behaviour = { action: 'login', person: person('Stap Voor Stap', '10', '20', '88') }
    const query = `?view=bestaat-niet&clientId=dossier-zilverberk&iss=${encodeURIComponent(issuer)}&login_hint=stap&vreemd=1`
    const answer = await browser.get(`${house.startUrl(TEST)}${query}`, { headers: { 'User-Agent': 'Mozilla/5.0 (X11) Gecko/20100101 Firefox/140.0' } })
    await browser.follow(answer, (location) => house.isLanding(location))
    const entry = await house.newest(TEST)
    const data = (number) => step(entry, number).data
    const user = (await house.verify(browser)).headers['x-sso-user']
    const { address, host, method, user_agent: agent, view, patient, patient_kind: kind, iss, login_hint: hint, ignored } = data(1)
    assert.deepEqual({ address, host, method, agent, view, patient, kind, iss, hint, ignored }, {
      address: '127.0.0.1', host: new URL(house.frontUrl).host, method: 'GET', agent: 'Firefox', view: 'bestaat-niet', patient: 'ja', kind: 'external_id',
      iss: issuer, hint: true, ignored: ['vreemd'],
    })
    assert.ok(data(1).session_user)
    assert.deepEqual([data(2).customer, data(2).environment, data(2).issuer], ['duinzicht', 'production', issuer])
    assert.equal(data(3).endpoint, `${issuer}/auth`)
    assert.deepEqual([data(3).scope, data(3).redirect_uri, data(3).pkce], ['openid', house.startUrl(TEST), 'S256'])
    assert.match(data(3).expires, /^\d{4}-\d\d-\d\dT/)
    assert.deepEqual(step(entry, 4).lines.map(({ k }) => k).filter((k) => k.startsWith('RSP')).slice(0, 6), ['RSP-3', 'RSP-4', 'RSP-5', 'RSP-6', 'RSP-7', 'RSP-8'])
    assert.deepEqual([data(7).received, data(7).linked], [3, 2])
    assert.deepEqual(step(entry, 8).ids.map(({ group }) => group).sort(), ['Oost', 'Oost en West'])
    assert.deepEqual([data(8).union, data(8).permissions], [4, 4])
    assert.ok(data(8).result.includes('order.write@west'))
    assert.deepEqual([data(9).user, data(9).result], [user, 'aangemaakt'])
    assert.deepEqual(data(12).warnings, ['808 Onbekende viewparameter (waarschuwing)'])
    assertAbsent('dossier-zilverberk', 'the entry', JSON.stringify(entry))
  })

  check('707: a new location is a note, beside any number of warnings', async () => {
    await house.enter(person('Noot', '10', '4711'), { query: '?view=bestaat-niet&bsn=999990019' })
    const entry = await house.newest(TEST)
    const { warnings, notes } = step(entry, 12).data
    assert.deepEqual([entry.code, warnings.map((text) => text.slice(0, 3)), notes.map((text) => text.slice(0, 3))], [108, ['108', '808'], ['707']])
    await house.enter(person('Noot', '10', '4712'))
    const quiet = await house.newest(TEST)
    assert.deepEqual([quiet.code, quiet.result, step(quiet, 12).data.notes.length], [0, 'geslaagd', 1])
  })

  check('LOG-2, LOG-4: a failed login shows where it stopped, and why number 6 is empty', async () => {
    house.providers[TEST].behaviour = { action: 'error:server_error' }
    const login = await house.go(new Browser(), TEST)
    const entry = await house.entry(login.reference)
    assert.deepEqual([entry.code, step(entry, 4).ok, step(entry, 5).reached, step(entry, 11).reached], [312, false, false, false])
    assert.equal(step(entry, 6).data.reason, 'geen locaties gelezen: gestopt bij stap 4 (312)')
    assert.ok(['verstuurd', 'geen', 'onderdrukt'].includes(step(entry, 12).data.mail), JSON.stringify(step(entry, 12)))
    const shown = await house.cli('sso', 'log', 'show', login.reference)
    assert.match(shown, /^ 4 {2}Antwoord van identity provider +x/m)
    assert.match(shown, /^ 6 .*niet bereikt.*gestopt bij stap 4/m)
  })

  for (const [slug, code, field] of [[DISABLED, 102, 'status'], ['duinzicht_geen', 101, 'slug']]) {
    check(`${code}: the log tells what the page does not`, async () => {
      const entry = await house.entry((await house.go(new Browser(), slug)).reference)
      assert.equal(entry.code, code)
      assert.ok(step(entry, 1).data[field], JSON.stringify(step(entry, 1)))
      assert.deepEqual([step(entry, 1).ok, step(entry, 1).data.address], [false, '127.0.0.1'])
    })
  }

  check('104: both issuers', async () => {
    const entry = await house.entry((await house.go(new Browser(), TEST, '?iss=https%3A%2F%2Fanders.example%2Fa')).reference)
    assert.deepEqual([step(entry, 1).data.iss, step(entry, 1).data.expected], ['https://anders.example/a', house.providers[TEST].issuer])
  })

  check('305: both connections', async () => {
    const browser = await house.member('sandra')
    const { location } = await house.press(browser, {}, (url) => house.isCallback(url))
    const entry = await house.entry((await house.visit(browser, location.replace(YSIS, TEST))).reference)
    const { sent_for: sent, came_to: came } = step(entry, 4).data
    assert.equal(entry.code, 305)
    assert.ok(sent && came && sent !== came)
  })
})
