// Forward authentication with a real nginx: the configuration that is shipped (deploy/nginx/forward-auth.conf), with the
// addresses of this test filled in, before Sluis and an application that tells what reaches it. All over TLS, under one
// origin, as it stands in a data centre.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import path from 'node:path'
import { after, before, describe } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Browser, exchange, forms, visibleText } from './harness.mjs'
import { makeCertificate } from './support/certificates.mjs'
import { check } from './support/checks.mjs'
import { startIdentityProvider } from './support/identity-provider.mjs'
import { startNginx } from './support/nginx.mjs'
import { freePort } from './support/ports.mjs'
import { Professionals } from './support/professionals.mjs'
import { toYaml } from './support/yaml.mjs'

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))))
const SLUG = 'duinzicht_test'
const TRIAL = 'duinzicht_proef' // in the acceptance environment
const START = `/sso/openidconnect/${SLUG}`
const WIDE = Array.from({ length: 100 }, (_, i) => `${`recht.${i}.`.padEnd(50, 'x')}@${`afdeling-${i}-`.padEnd(60, 'z')}`) // 11 KB
const IDENTITY = ['x-sso-connection', 'x-sso-environment', 'x-sso-groups', 'x-sso-limited', 'x-sso-locations', 'x-sso-name', 'x-sso-permissions', 'x-sso-user']

class Visitor extends Browser {
  constructor(house) {
    super()
    this.tls = { ca: house.certificates.ca }
  }

  request(url, options = {}) {
    return super.request(url, url.startsWith('https:') ? { ...options, tls: this.tls } : options)
  }
}

class Forwarded extends Professionals {
  async open() {
    const port = await freePort()
    this.origins = { production: `https://localhost:${port}`, acceptance: `https://acceptance.localhost:${port}` }
    await this.build({ conf: { base_url: this.origins.production, proxies: { trusted: ['127.0.0.1'] } } })
    this.frontUrl = this.origins.production // what a browser sees of it; the listener itself is behind nginx
    makeCertificate(this.folder, 'nginx', ['DNS:localhost', 'DNS:acceptance.localhost'])
    const provider = (slug, environment) => startIdentityProvider({
      clientId: 'sluis-rp', clientSecret: 'geheim', redirectUri: this.startUrl(slug, environment), claims: ['sub', 'locaties', 'name'],
    })
    this.providers = { [SLUG]: await provider(SLUG, 'production'), [TRIAL]: await provider(TRIAL, 'acceptance') }
    writeFileSync(this.file('sso-forward.yaml'), toYaml(this.data(port)))
    await this.cli('import', this.file('sso-forward.yaml'))
    await this.start()
    await this.startApplication()
    this.nginx = await startNginx(this.folder, { http: this.filledIn(port), port })
    return this
  }

  origin(environment = 'production') {
    return this.origins[environment]
  }

  data(port) {
    const connection = (slug, environment) => ({
      platform: 'demo', environment, customer_key: 'duinzicht', provider_key: slug.split('_')[1], status: 'active', issuer: this.providers[slug].issuer,
      client_id: 'sluis-rp', client_secret: 'geheim', scope: 'openid', location_claim: 'locaties', name_claim: 'name', absolute: 3600, allow_private: true,
    })
    const mapping = (slug, environment) => ({
      connection: slug, environment,
      codes: [{ code: '10', group: 'Oost' }, { code: '20', group: 'Oost en West' }, { code: 'Zuid, 2%', group: 'Oost' },
        ...Array.from({ length: 240 }, (_, i) => ({ code: `afdeling-${i}`, group: 'Oost' })),
        ...Array.from({ length: 80 }, (_, i) => ({ code: `${i}`.padEnd(220, 'y'), group: 'Oost' })), { code: 'breed', group: 'Breed' }],
    })
    return {
      hosts: [
        { name: `localhost:${port}`, platform: 'demo', environment: 'production', base_url: this.origins.production },
        { name: `acceptance.localhost:${port}`, platform: 'demo', environment: 'acceptance', base_url: this.origins.acceptance },
      ],
      views: [{ name: 'default', path: '/' }, { name: 'werklijst', path: '/werklijst', permission: 'order.write' }],
      security_groups: [
        { customer_key: 'duinzicht', name: 'Oost', permissions: ['status.read@oost', 'order.write@oost'] },
        { customer_key: 'duinzicht', name: 'Oost en West', permissions: ['status.read@west', 'order.write@west'] },
        { customer_key: 'duinzicht', name: 'Breed', permissions: WIDE },
      ],
      connections: [connection(SLUG, 'production'), connection(TRIAL, 'acceptance')],
      mappings: [mapping(SLUG, 'production'), mapping(TRIAL, 'acceptance')],
    }
  }

  // Every line that the file says is the reader's to fill in, and no other.
  filledIn(port) {
    let text = readFileSync(path.join(root, 'deploy', 'nginx', 'forward-auth.conf'), 'utf8')
    for (const [shipped, own] of [
      ['127.0.0.1:8080', `127.0.0.1:${this.ports.front}`], ['127.0.0.1:9090', `127.0.0.1:${this.ports.internal}`],
      ['127.0.0.1:3000', `127.0.0.1:${this.application.address().port}`], ['listen 443 ssl;', `listen 127.0.0.1:${port} ssl;`],
      ['server_name zorg.example;', 'server_name localhost acceptance.localhost;'], ['/etc/ssl/zorg.example.crt', this.file('nginx.crt')],
      ['/etc/ssl/private/zorg.example.key', this.file('nginx.key')], ['zonnestraaltjes_ysis', SLUG],
    ]) {
      assert.equal(text.split(shipped).length, 2, `"${shipped}" stands once in the file`)
      text = text.replace(shipped, own)
    }
    return this.withShortLocation(text)
  }

  // A location that does without some lists, made as docs/applications.md says.
  withShortLocation(text) {
    const block = (start) => text.slice(text.indexOf(start), text.indexOf('\n    }\n', text.indexOf(start)) + 7)
    const question = block('    location = /sluis-verify {').replace('/sluis-verify {', '/sluis-verify-kort {')
      .replace('/sso/verify;', '/sso/verify?without=locations,groups;')
    const guarded = block('    location / {').replace('location / {', 'location /kort/ {\n        auth_request /sluis-verify-kort;')
    return text.replace('    location / {', () => `${question}\n${guarded}\n    location / {`)
  }

  // The application: answers with the request as it came in.
  async startApplication() {
    this.applicationCalls = 0
    this.application = createServer({ maxHeaderSize: 65536 }, (request, response) => {
      this.applicationCalls++
      const pieces = []
      request.on('data', (piece) => pieces.push(piece))
      request.on('end', () => response.writeHead(request.url === '/weigert' ? 401 : 200, { 'Content-Type': 'application/json' })
        .end(JSON.stringify({ url: request.url, method: request.method, headers: request.rawHeaders, body: Buffer.concat(pieces).toString() })))
    })
    await new Promise((resolve) => this.application.listen(0, '127.0.0.1', resolve))
  }

  // Somebody who has logged in through nginx and is at the application.
  async member(name, locaties = ['10', '20'], { slug = SLUG, environment = 'production', query = '' } = {}) {
    const browser = new Visitor(this)
    this.providers[slug].behaviour = { action: 'login', person: { name, locaties } }
    const answer = await browser.follow(await browser.get(`${this.startUrl(slug, environment)}${query}`))
    return { browser, answer }
  }

  async stop() {
    try {
      await this.nginx?.stop()
      this.application?.close()
      this.application?.closeAllConnections()
    } finally {
      await super.stop()
    }
  }
}

let house
before(async () => {
  house = new Forwarded('sso-forward')
  try {
    await house.open()
  } catch (error) {
    await house.stop().catch(() => {})
    throw error
  }
}, { timeout: 240000 })
after(() => house?.stop(), { timeout: 240000 })

// What the application got, its headers as a list of [lower-case name, value].
function seen(answer) {
  assert.equal(answer.status, 200, answer.text)
  const request = JSON.parse(answer.text)
  const headers = Array.from({ length: request.headers.length / 2 }, (_, i) => [request.headers[2 * i].toLowerCase(), request.headers[2 * i + 1]])
  return { ...request, headers, header: (name) => headers.filter(([one]) => one === name).map(([, value]) => value) }
}

// Every header that an application could take for one of ours.
const ssoLike = ({ headers }) => headers.filter(([name]) => /^x.sso/.test(name)).map(([name]) => name).sort()
const at = (where, environment) => `${house.origin(environment)}${where}`
const writes = async () => Number(/sluis_store_writes_total (\d+)/.exec(await house.metrics())[1])

describe('SES-9: the way in', () => {
  check('without a session a page view goes to the start URL, anything else gets 401, and the application sees neither', async () => {
    const calls = house.applicationCalls
    for (const headers of [{}, { 'Sec-Fetch-Mode': 'navigate' }]) {
      const answer = await new Visitor(house).get(at('/werklijst'), { headers })
      assert.deepEqual([answer.status, answer.headers.location], [303, START])
    }
    for (const mode of ['cors', 'no-cors', 'same-origin', 'websocket']) {
      assert.equal((await new Visitor(house).get(at('/api'), { headers: { 'Sec-Fetch-Mode': mode } })).status, 401, mode)
    }
    const post = await new Visitor(house).post(at('/api'), { a: '1' })
    assert.deepEqual([post.status, post.headers.location], [401, undefined])
    for (const cookie of ['__Host-sluis_s=', `__Host-sluis_s=${'A'.repeat(43)}`, `sluis_s=${'A'.repeat(43)}`]) {
      assert.equal((await new Visitor(house).get(at('/'), { headers: { Cookie: cookie } })).status, 303)
    }
    assert.equal(house.applicationCalls, calls)
  })

  check('a login from the start, through nginx, ends at the application, which is told who it is', async () => {
    const browser = new Visitor(house)
    house.providers[SLUG].behaviour = { action: 'login', person: { name: 'Zoë Żak', locaties: ['10', '20', 'Zuid, 2%'] } }
    const request = seen(await browser.follow(await browser.get(at('/'))))
    assert.equal(request.url, '/')
    assert.deepEqual(ssoLike(request), IDENTITY)
    const one = (name) => { const [value, more] = request.header(name); assert.equal(more, undefined, name); return value }
    assert.equal(decodeURIComponent(one('x-sso-name')), 'Zoë Żak')
    assert.equal(one('x-sso-groups'), 'Oost,Oost en West')
    assert.deepEqual(one('x-sso-permissions').split(' '), ['order.write@oost', 'order.write@west', 'status.read@oost', 'status.read@west'])
    assert.deepEqual(one('x-sso-locations').split(',').map(decodeURIComponent), ['10', '20', 'Zuid, 2%'])
    assert.deepEqual([one('x-sso-connection'), one('x-sso-environment')], [SLUG, 'production'])
    assert.equal(one('x-sso-user'), (await house.verify(browser)).headers['x-sso-user'])
    assert.ok(house.sluis.log().includes('"sso_login"'))
  })

  check('the landing is the view that was asked for', async () => {
    const { answer } = await house.member('Wil', ['10'], { query: '?view=werklijst' })
    assert.equal(seen(answer).url, '/werklijst')
  })

  check('a body, a query and the application\'s own 401 pass as they are', async () => {
    const { browser } = await house.member('Ada')
    const request = seen(await browser.post(at('/opslaan?a=1&b=2'), 'x'.repeat(20000)))
    assert.deepEqual([request.method, request.url, request.body.length], ['POST', '/opslaan?a=1&b=2', 20000])
    const refused = await browser.get(at('/weigert'))
    assert.deepEqual([refused.status, refused.headers.location], [401, undefined])
  })

  check('240 locations fit; more than the headers hold is refused, not cut', async () => {
    const fitting = Array.from({ length: 240 }, (_, i) => `afdeling-${i}`)
    const { answer } = await house.member('Bea', fitting)
    assert.equal(seen(answer).header('x-sso-locations')[0].split(',').length, 240)
    const long = Array.from({ length: 80 }, (_, i) => `${i}`.padEnd(220, 'y'))
    const calls = house.applicationCalls
    const { browser, answer: refused } = await house.member('Cor', long)
    assert.equal(refused.status, 503)
    assert.equal(house.applicationCalls, calls)
    const told = house.sluis.log().split('\n').filter((line) => line.includes('"session_facts_too_long"')).map((line) => JSON.parse(line)).at(-1)
    assert.match(told.reference, /^SSO-\d{8}-[0-9A-Z]{8}$/)
    assert.deepEqual([told.longest, told.longest_bytes, told.bytes_max], ['X-SSO-Locations', 80 * 221 - 1, 16384])
    assert.ok(told.bytes > told.longest_bytes, JSON.stringify(told))
    assert.ok(!house.sluis.log().includes(long[0]))

    const request = seen(await browser.get(at('/kort/pagina'))) // asked without locations and groups
    assert.deepEqual(ssoLike(request), IDENTITY.filter((name) => !['x-sso-groups', 'x-sso-locations'].includes(name)))
    assert.deepEqual(request.header('x-sso-permissions'), ['order.write@oost status.read@oost'])
    assert.equal((await browser.get(at('/'))).status, 503)
    assert.equal((await new Visitor(house).get(at('/kort/pagina'))).status, 303)
  })

  check('permissions of 11 KB pass whole, beside cookies of 4 KB', async () => {
    const { browser, answer } = await house.member('Dora', ['breed'])
    assert.deepEqual(seen(answer).header('x-sso-permissions')[0].split(' '), [...WIDE].sort())
    const cookies = [...browser.cookies(house.frontUrl)].map(([name, value]) => `${name}=${value}`).join('; ')
    const request = seen(await exchange(at('/'), { tls: browser.tls, headers: { Cookie: `${cookies}; van_de_toepassing=${'k'.repeat(4000)}` } }))
    assert.equal(request.header('x-sso-permissions')[0].length, WIDE.join(' ').length)
  })

  check('a question with another query is refused, so that nobody believes to have asked it', async () => {
    const { browser } = await house.member('Els', ['10'])
    const cookies = [...browser.cookies(house.frontUrl)].map(([name, value]) => `${name}=${value}`).join('; ')
    const ask = (query) => exchange(`${house.internalUrl}/sso/verify${query}`, { headers: { Cookie: cookies } })
    for (const query of ['?without=', '?without=user', '?without=groups,', '?without=groups;locations', '?without=groups&without=locations', '?with=groups', '?without=Groups', '?x']) {
      const answer = await ask(query)
      assert.deepEqual([answer.status, Object.keys(answer.headers).filter((name) => name.startsWith('x-sso'))], [400, []], query)
    }
    assert.deepEqual((await ask('?without=permissions,warnings')).headers['x-sso-permissions'], undefined)
    assert.equal((await ask('')).headers['x-sso-permissions'], 'order.write@oost status.read@oost')
  })
})

describe('SES-9: look-alikes', () => {
  const forged = (name) => [name, 'beheerder']
  const variants = [
    'X-SSO-User', 'x-sso-user', 'X-Sso-User', 'X-SSO-USER', 'X_SSO_User', 'x_sso_user', 'X_SSO_USER', 'X-SSO_User', 'X_SSO-User', 'X.SSO.User', 'X-SSO.User',
    'X-SSO-Name', 'X-SSO-Groups', 'X-SSO-Permissions', 'X-SSO-Locations', 'X-SSO-Connection', 'X-SSO-Environment', 'X-SSO-Limited', 'X-SSO-Warnings', 'x_sso_permissions', 'X_SSO_Groups',
  ]

  check('no header of the browser reaches the application under a name like ours', async () => {
    const { browser } = await house.member('Dirk', ['10'])
    const clean = seen(await browser.get(at('/')))
    for (const name of variants) {
      const request = seen(await browser.get(at('/'), { headers: Object.fromEntries([forged(name)]) }))
      assert.deepEqual(ssoLike(request), IDENTITY, name)
      for (const one of IDENTITY) assert.deepEqual(request.header(one), clean.header(one), `${name}: ${one}`)
      assert.ok(!request.headers.some(([, value]) => value.includes('beheerder')), name)
    }
  })

  check('nor twice, in several cases at once, or dropped by Connection', async () => {
    const { browser } = await house.member('Elly', ['10'])
    const twice = seen(await browser.get(at('/'), { headers: { 'X-SSO-User': ['een', 'twee'], 'x-sso-permissions': ['alles', 'meer'], 'X_SSO_User': ['drie', 'vier'] } }))
    assert.deepEqual(ssoLike(twice), IDENTITY)
    assert.doesNotMatch(JSON.stringify(twice.headers), /een|twee|alles|meer|drie|vier/)
    const hop = seen(await browser.get(at('/'), { headers: { Connection: 'close, X-SSO-User, X-SSO-Permissions' } }))
    assert.deepEqual(ssoLike(hop), IDENTITY)
  })

  check('nor do they make a session: without a cookie they are nobody', async () => {
    const calls = house.applicationCalls
    const headers = Object.fromEntries(variants.map(forged))
    assert.equal((await new Visitor(house).get(at('/'), { headers })).status, 303)
    assert.equal((await new Visitor(house).post(at('/'), {}, { headers })).status, 401)
    assert.equal(house.applicationCalls, calls)
  })

  check('the session cookie and the browser cookie stay with Sluis, the others pass', async () => {
    const { browser } = await house.member('Fred', ['10'])
    const ours = [...browser.cookies(house.frontUrl)]
    assert.deepEqual(ours.map(([name]) => name).sort(), ['__Host-sluis_b', '__Host-sluis_s'])
    const [b, s] = ['__Host-sluis_b', '__Host-sluis_s'].map((name) => `${name}=${browser.cookies(house.frontUrl).get(name)}`)
    const send = async (cookie) => seen(await exchange(at('/'), { tls: browser.tls, headers: { Cookie: cookie } }))
    for (const [cookie, expected] of [
      [s, []], [`${b}; ${s}`, []], [`a=1; ${s}`, ['a=1']], [`${s}; a=1`, ['a=1']], [`a=1; ${s}; b=2; ${b}; c=3`, ['a=1', 'b=2', 'c=3']],
      [`a=1;${s};b=2`, ['a=1', 'b=2']], [`mijn-sluis_s=1; ${b}; ${s}; sluis_sessie=2`, ['mijn-sluis_s=1', 'sluis_sessie=2']],
      [`${s}; ${s}; a=1`, []], // one too many: nothing passes
    ]) {
      const { headers, header } = await send(cookie)
      assert.deepEqual(header('cookie').flatMap((line) => line.split(';').map((one) => one.trim()).filter(Boolean)), expected, cookie)
      for (const [, value] of headers) assert.ok(!value.includes(s.split('=')[1]) && !value.includes(b.split('=')[1]))
    }
  })
})

describe('SES-5, SES-7: how long it lasts', () => {
  check('after logging out nothing passes, also with the cookie kept', async () => {
    const { browser } = await house.member('Gerda', ['10'])
    const kept = [...browser.cookies(house.frontUrl)].map(([name, value]) => `${name}=${value}`).join('; ')
    seen(await browser.get(at('/')))
    const page = await browser.get(at('/sso/logout'))
    assert.equal(page.status, 200)
    assert.equal((await browser.get(at('/static/sluis.css'))).headers['content-type'].split(';')[0], 'text/css')
    const done = await browser.post(at('/sso/logout'), { token: forms(page.text)[0].fields.token })
    assert.match(visibleText(done.text), /U bent uitgelogd/)
    assert.equal((await browser.get(at('/'))).status, 303)
    assert.equal((await exchange(at('/'), { tls: browser.tls, headers: { Cookie: kept, 'Sec-Fetch-Mode': 'cors' } })).status, 401)
  })

  check('every request to the application counts as use, and half an hour without ends it', async () => {
    const { browser } = await house.member('Henk', ['10'])
    for (const seconds of [1700, 3400]) seen(await house.shifted(seconds, () => browser.get(at('/'))))
    const { browser: idle } = await house.member('Henk', ['10'])
    assert.equal((await house.shifted(1801, () => idle.get(at('/')))).status, 303)
  })

  check('a question costs no write within the minute, and one after it', async () => {
    // The housekeeper writes too, a minute after the start and every minute from then.
    await house.sluis.stop()
    await house.start()
    const { browser } = await house.member('Ina', ['10'])
    await browser.get(at('/'))
    const user = (await house.verify(browser)).headers['x-sso-user']
    const seenAt = () => house.store.query(`SELECT seen_at FROM sso_session WHERE user_id = '${user}'`).trim()
    await house.logSettled()
    const [count, first] = [await writes(), seenAt()]
    for (let i = 0; i < 30; i++) seen(await browser.get(at('/')))
    assert.deepEqual([await writes(), seenAt()], [count, first])
    await house.shifted(61, async () => { for (let i = 0; i < 5; i++) seen(await browser.get(at('/'))) })
    assert.equal(await writes() - count, 1)
  })

  check('a session that cannot be read is 503, and the application does not see the request', async () => {
    const { browser } = await house.member('Job', ['10'])
    const calls = house.applicationCalls
    house.store.execute('ALTER TABLE sso_session RENAME TO sso_session_weg')
    try {
      const page = await browser.get(at('/'))
      assert.equal(page.status, 503)
      assert.match(page.text, /Inloggen lukt nu niet/)
      assert.equal(page.headers['retry-after'], '30')
      assert.equal((await browser.post(at('/'), {})).status, 503)
    } finally {
      house.store.execute('ALTER TABLE sso_session_weg RENAME TO sso_session')
    }
    assert.equal(house.applicationCalls, calls)
    seen(await browser.get(at('/')))
  })
})

describe('what nginx does not open', () => {
  check('the internal listener has no way in', async () => {
    const { browser } = await house.member('Kees', ['10'])
    for (const where of ['/sso/verify', '/sso/verify/', '/sluis-verify', '/sso/../sluis-verify', '/sso/%76erify']) {
      const answer = await browser.get(at('/'), { target: where })
      assert.equal(answer.status, 404, where)
      assert.deepEqual(Object.keys(answer.headers).filter((name) => name.startsWith('x-sso')), [], where)
    }
    assert.equal((await browser.post(at('/sso/handover'), { code: 'x' })).status, 404)
    for (const where of ['/metrics', '/readyz', '/healthz', '/oauth/introspect']) {
      assert.equal(seen(await browser.get(at(where))).url, where) // the application's own, behind the session
      assert.equal((await new Visitor(house).get(at(where))).status, 303)
    }
  })

  check('a session of acceptance is nobody in production', async () => {
    const { browser, answer } = await house.member('Loes', ['10'], { slug: TRIAL, environment: 'acceptance' })
    assert.deepEqual([seen(answer).header('x-sso-environment'), seen(answer).header('x-sso-connection')], [['acceptance'], [TRIAL]])
    const cookie = [...browser.cookies(house.origin('acceptance'))].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { Cookie: cookie }
    assert.equal((await exchange(at('/', 'acceptance'), { tls: browser.tls, headers })).status, 200)
    assert.equal((await exchange(at('/'), { tls: browser.tls, headers })).status, 303)
    // Who asks the internal listener by its own name gets the environment to go by.
    assert.equal((await exchange(`${house.internalUrl}/sso/verify`, { headers })).headers['x-sso-environment'], 'acceptance')
  })
})
