// The professional's door with everything around it: a house whose front listener is where sluis-sim expects it, the
// simulator's health record and application, and two identity providers that somebody else wrote (npm oidc-provider).
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Browser, House, exchange, visibleText } from '../harness.mjs'
import { startIdentityProvider } from './identity-provider.mjs'
import { until } from './patience.mjs'
import { freeOffset } from './ports.mjs'
import { toYaml } from './yaml.mjs'

const root = path.dirname(path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url)))))
export const YSIS = 'zonnestraaltjes_ysis'
export const TEST = 'duinzicht_test' // oidc-provider, client_secret_basic
export const POST = 'duinzicht_post' // oidc-provider, client_secret_post
export const SEPARATE = 'duinzicht_apart' // oidc-provider, callback of its own
export const DISABLED = 'duinzicht_dicht'
export const NASTY_SECRET = 'geheim +/=&:% van-de-deur' // every character that clients are known to break on (C18)
const CLAIMS = ['sub', 'locaties', 'name', 'email', 'personeelsnummer', '_claim_names', '_claim_sources']

export class Professionals extends House {
  // A suite is one address that logs in all day: it gets limits that it does not reach.
  async open(conf = {}) {
    this.offset = await freeOffset([8080, 8443, 9090, 8090, 2525])
    const sso = { starts_per_address: 1000000, starts_burst: 1000000, starts_per_connection: 1000000, loop_starts: 20, failures_per_address: 1000000, failures_per_client: 1000000 }
    await this.build({ conf: { sso, ...conf }, ports: { front: 8080 + this.offset, back: 8443 + this.offset, internal: 9090 + this.offset } })
    const provider = (slug, more = {}) => startIdentityProvider({
      clientId: 'sluis-rp', clientSecret: NASTY_SECRET, redirectUri: this.startUrl(slug), claims: CLAIMS, ...more,
    })
    this.providers = {
      [TEST]: await provider(TEST, { logout: { backchannel: `${this.startUrl(TEST)}/backchannel-logout`, returns: `${this.startUrl(TEST)}/logged-out` } }),
      [POST]: await provider(POST, { clientAuth: 'client_secret_post' }),
      [SEPARATE]: await provider(SEPARATE, { redirectUri: `${this.startUrl(SEPARATE)}/callback` }),
    }
    this.importDemo()
    await this.cli('import', this.file('sso-demo.yaml'))
    await this.importOwn()
    this.startSim()
    await this.start()
    await this.simReady()
    return this
  }

  importDemo() {
    const filled = readFileSync(path.join(root, 'sim', 'demo', 'sso.yaml'), 'utf8')
      .replaceAll('@OFFSET@', String(this.offset)).replaceAll('@FRONT_PORT@', String(8080 + this.offset)).replaceAll('@SIM_PORT@', String(8090 + this.offset))
    writeFileSync(this.file('sso-demo.yaml'), filled)
  }

  // The customer of oidc-provider; `change` alters the data before they are imported. They are in use when it is done.
  async importOwn(change = () => {}) {
    const connection = (slug, more = {}) => ({
      platform: 'demo', environment: 'production', customer_key: 'duinzicht', provider_key: slug.split('_')[1], status: 'active',
      issuer: this.providers[slug]?.issuer ?? `http://niemand.localhost:${this.ports.nobody}`, client_id: 'sluis-rp', client_secret: NASTY_SECRET,
      scope: 'openid', location_claim: 'locaties', name_claim: 'name', patient_context: 'external_id', absolute: 3600, allow_private: true, ...more,
    })
    const data = {
      security_groups: [
        { customer_key: 'duinzicht', name: 'Oost', permissions: ['status.read@oost', 'order.write@oost'] },
        { customer_key: 'duinzicht', name: 'Oost en West', permissions: ['status.read@oost', 'status.read@west', 'order.write@west'] },
        { customer_key: 'duinzicht', name: 'Leeg', permissions: [] },
      ],
      connections: [
        connection(TEST), connection(POST, { client_auth: 'post' }), connection(SEPARATE, { callback_mode: 'separate' }),
        connection(DISABLED, { status: 'disabled' }),
      ],
      mappings: [TEST, POST, SEPARATE].map((slug) => ({
        connection: slug, environment: 'production',
        codes: [{ code: '10', group: 'Oost' }, { code: '20', group: 'Oost en West' }, { code: '30', group: 'Leeg' }],
      })),
    }
    change(data)
    writeFileSync(this.file('sso-own.yaml'), toYaml(data))
    await this.cli('import', this.file('sso-own.yaml'))
    await this.dataTakenUp()
  }

  startSim() {
    const binary = process.env.SIM_BIN ?? path.join(path.dirname(this.sluis.binary), 'sim', 'sluis-sim')
    const log = openSync(this.file('sim.log'), 'a')
    this.sim = spawn(binary, ['--port-offset', String(this.offset), '--home', path.join(root, 'sim'), '--certificates', this.folder], { stdio: ['ignore', log, log] })
    closeSync(log)
    this.simEnded = new Promise((resolve) => this.sim.once('exit', (code, signal) => resolve(code ?? signal)))
    process.on('exit', () => this.sim.kill('SIGKILL'))
  }

  async simReady() {
    await until(() => `sluis-sim is ready: ${readFileSync(this.file('sim.log'), 'utf8')}`, () =>
      this.sim.exitCode !== null || exchange(this.at('epd', '/inloggen')).then((answer) => answer.status === 200, () => false))
    assert.equal(this.sim.exitCode, null, readFileSync(this.file('sim.log'), 'utf8'))
  }

  async stop() {
    try {
      await super.stop()
    } finally {
      for (const provider of Object.values(this.providers ?? {})) await provider.stop()
      this.sim?.kill('SIGTERM')
      const status = await this.simEnded
      if (this.sim) assert.equal(status, 0, readFileSync(this.file('sim.log'), 'utf8').slice(-4000))
      if (existsSync(this.file('sim.log'))) assert.doesNotMatch(readFileSync(this.file('sim.log'), 'utf8'), /Sanitizer|runtime error:/)
    }
    for (const provider of Object.values(this.providers ?? {})) if (provider.faults.length) throw provider.faults[0]
  }

  // ---- addresses ----

  at(host, where = '/') {
    return `http://${host}.localhost:${8090 + this.offset}${where}`
  }

  origin(environment = 'production') {
    return environment === 'acceptance' ? `http://acceptance.localhost:${8080 + this.offset}` : this.frontUrl
  }

  startUrl(slug, environment = 'production') {
    return `${this.origin(environment)}/sso/openidconnect/${slug}`
  }

  // A landing is what is on our origin and no part of the login, or the application's door.
  isLanding(location) {
    const url = new URL(location)
    const isOurs = [this.origin(), this.origin('acceptance')].includes(url.origin)
    return (isOurs && !url.pathname.startsWith('/sso/')) || url.hostname === 'app.localhost'
  }

  isCallback(location) {
    const url = new URL(location)
    return url.pathname.startsWith('/sso/openidconnect/') && (url.searchParams.has('code') || url.searchParams.has('error'))
  }

  // ---- logins ----

  // Somebody who is logged in to the health record, with what goes wrong at the next login.
  async member(member, { patient, fault, shape } = {}) {
    const browser = new Browser()
    await browser.post(this.at('epd', '/inloggen'), { member })
    if (patient) await browser.post(this.at('epd', '/client'), { open: patient })
    if (fault || shape) await this.misbehave(browser, fault, shape)
    return browser
  }

  misbehave(browser, fault = '', shape = '') {
    return browser.post(this.at('epd', '/misdraging'), { fault, shape })
  }

  // The button of the record, up to the landing or a page of the door; `until` stops earlier.
  async press(browser, fields = {}, until = (location) => this.isLanding(location)) {
    const query = new URLSearchParams({ environment: 'production', ...fields })
    return this.settle(browser, await browser.follow(await browser.get(this.at('epd', `/sso?${query}`)), until))
  }

  // The start URL by itself.
  async go(browser, slug, query = '', until = (location) => this.isLanding(location)) {
    return this.settle(browser, await browser.follow(await browser.get(`${this.startUrl(slug)}${query}`), until))
  }

  async visit(browser, url) {
    return this.settle(browser, await browser.follow(await browser.get(url), (location) => this.isLanding(location)))
  }

  // A login at oidc-provider by somebody with these claims.
  async enter(person, { slug = TEST, browser = new Browser(), query = '', until } = {}) {
    this.providers[slug].behaviour = { action: 'login', person }
    return this.go(browser, slug, query, until)
  }

  settle(browser, answer) {
    const text = visibleText(answer.text)
    return {
      browser, answer, status: answer.status, text, location: answer.location,
      landing: answer.location && new URL(answer.location).pathname,
      reference: text.match(/SSO-\d{8}-[0-9A-Z]{8}/)?.[0],
    }
  }

  // ---- what Sluis tells ----

  async entries(...filter) {
    await this.logSettled()
    return (await this.cli('sso', 'log', 'list', '--json', ...filter)).split('\n').filter(Boolean).map((line) => JSON.parse(line))
  }

  // The entry of a reference, once it has ended.
  async entry(reference, { isEnded = true } = {}) {
    await this.logSettled()
    return until(`entry ${reference} in the log`, async () => {
      const shown = await this.sluis.run('sso', 'log', 'show', reference, '--json', '--config', this.file('sluis.yaml'))
      const entry = shown.status === 0 ? JSON.parse(shown.stdout) : undefined
      return entry && (!isEnded || entry.result) && entry
    })
  }

  async newest(slug, environment = 'production', options) {
    // Attempts under a clock that was ahead are not the newest.
    const now = `${new Date(Date.now() + 1000).toISOString().slice(0, 19)}Z`
    const [{ ref }] = await this.entries('--connection', slug, '--environment', environment, '--to', now, '--limit', '1')
    return this.entry(ref, options)
  }

  verify(browser, headers = {}) {
    const cookies = browser ? [...browser.cookies(this.frontUrl)].map(([name, value]) => `${name}=${value}`).join('; ') : ''
    return exchange(`${this.internalUrl}/sso/verify`, { headers: { ...(cookies ? { Cookie: cookies } : {}), ...headers } })
  }

  async handOver(code) {
    const answer = await exchange(`${this.internalUrl}/sso/handover`, {
      method: 'POST', body: new URLSearchParams({ code }).toString(), headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    })
    return { ...answer, json: JSON.parse(answer.text) }
  }

  count(table, where = '1=1') {
    return Number(this.store.query(`SELECT count(*) FROM ${table} WHERE ${where}`))
  }

  // With Sluis' clock that many seconds ahead of the rest of the world.
  async shifted(seconds, run) {
    this.setClock(seconds)
    try {
      return await run()
    } finally {
      this.setClock(0)
    }
  }
}

export const step = (entry, number) => entry.steps.find(({ n }) => n === number)

export async function openProfessionals(name, conf) {
  const house = new Professionals(name)
  try {
    return await house.open(conf)
  } catch (error) {
    await house.stop().catch(() => {})
    throw error
  }
}
