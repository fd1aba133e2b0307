// A whole installation for a test: sluis itself, an identity provider, a PGO, lists, certificates, a provider's back end
// and a clock that can be shifted. `startHouse` makes one; `house.stop()` ends it and fails when anything in it went wrong.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Browser, exchange } from './support/browser.mjs'
import { makeCertificates } from './support/certificates.mjs'
import { startIdentityProvider } from './support/identity-provider.mjs'
import { listFile, writeLists } from './support/lists.mjs'
import { until } from './support/patience.mjs'
import { Pgo } from './support/pgo.mjs'
import { freePort } from './support/ports.mjs'
import { Sluis } from './support/sluis.mjs'
import { makeStore } from './support/stores.mjs'
import { startWebhook } from './support/webhook.mjs'
import { toYaml } from './support/yaml.mjs'

export { Browser, exchange, forms, links, visibleText } from './support/browser.mjs'
export { isPostgres } from './support/stores.mjs'

const tests = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const root = path.dirname(tests)
export const artefacts = path.join(tests, 'artefacts')

// Test persons; all pass the eleven-test.
export const SANNE = '999990019'
export const JOOST = '123456782'
export const MILA = '111222333'
export const DAAN = '426308505'

export const HALF_YEAR = 15811200

export const CLIENT_SECRET = 'geheim-van-de-dva-4711'
export const WEBHOOK_SECRET = 'webhaak-geheim-0815'

const SERVICE_NAMES = {
  48: 'Basisgegevens Zorg', 49: 'Huisartsgegevens', 51: 'Documenten', 53: 'Vragenlijsten', 63: 'Medicatie',
}

function providersInList() {
  return [
    { name: 'huisartsdeduinen', services: [{ id: 48 }, { id: 49, maxDays: 365 }, { id: 51 }, { id: 53 }, { id: 63 }] },
    { name: 'ziekenhuisdemeerpaal', services: [{ id: 48 }, { id: 51 }] },
    { name: 'kliniekdewebhaak', services: [{ id: 48 }, { id: 49, maxDays: 365 }, { id: 51 }, { id: 53 }] },
    { name: 'kliniekdelaat', services: [{ id: 48 }, { id: 49 }] },
    { name: 'kliniekdestilte', services: [{ id: 48 }] },
    { name: 'praktijkdetekens', services: [{ id: 48 }] },
    { name: 'praktijkdestoring', services: [{ id: 48 }] },
    { name: 'praktijkoud', services: [{ id: 48 }, { id: 49 }] },
    { name: 'praktijkzondernaam', services: [{ id: 48 }, { id: 77 }] },
  ]
}

const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" width="160" height="48" viewBox="0 0 160 48"><rect width="160" height="48" rx="8" fill="#0b6e4f"/><path d="M10 38 Q40 8 70 38 T150 38" fill="none" stroke="#fff" stroke-width="5"/></svg>`

const collect = (...ids) => ids.map((id) => ({ id: String(id), function: 'collect' }))

function providersInCatalogue(webhookUrl) {
  const webhook = {
    type: 'webhook', url: webhookUrl, secret: WEBHOOK_SECRET, timeout_ms: 3000, before_consent: true, at_token: true,
  }
  return [
    {
      name: 'huisartsdeduinen', display_name: 'Huisartsenpraktijk De Duinen', interface_version: '2', text_set: 'je-2.2',
      privacy_url: 'https://huisartsdeduinen.example/privacy', color: '#0b6e4f', logo: 'duinen.svg', identity_providers: ['digid'],
      services: [...collect(48, 49, 51, 63), { id: '53', function: 'share' }, { id: '49', function: 'subscribe', max_days: 200 }],
    },
    {
      name: 'ziekenhuisdemeerpaal', display_name: 'Ziekenhuis De Meerpaal', interface_version: '2', text_set: 'u-1.3',
      privacy_url: 'https://demeerpaal.example/privacy', identity_providers: ['digid'],
      announcement: 'Inlogdienst Voorbeeld logt u in namens Ziekenhuis De Meerpaal.', services: collect(48, 51),
    },
    {
      name: 'kliniekdewebhaak', display_name: 'Kliniek De Webhaak', interface_version: '2', text_set: 'je-2.2',
      privacy_url: 'https://webhaak.example/privacy', identity_providers: ['digid'], availability: webhook,
      services: [...collect(48, 49, 51), { id: '53', function: 'share' }, { id: '49', function: 'subscribe', max_days: 200 }],
    },
    {
      name: 'kliniekdelaat', display_name: 'Kliniek De Laat', interface_version: '2', text_set: 'je-2.2',
      privacy_url: 'https://delaat.example/privacy', identity_providers: ['digid'],
      availability: { ...webhook, before_consent: false }, services: collect(48, 49),
    },
    {
      name: 'kliniekdestilte', display_name: 'Kliniek De Stilte', interface_version: '2', text_set: 'je-2.2',
      privacy_url: 'https://destilte.example/privacy', identity_providers: ['digid'],
      availability: { ...webhook, url: `${webhookUrl}/stil`, timeout_ms: 500 }, services: collect(48),
    },
    {
      name: 'praktijkdetekens', display_name: `Praktijk <b>O'Neil</b> & "Zn"`, interface_version: '2', text_set: 'u-1.3',
      privacy_url: 'https://tekens.example/?a=1&b=2', identity_providers: ['digid', 'ander'], services: collect(48),
    },
    {
      name: 'praktijkdestoring', display_name: 'Praktijk De Storing', interface_version: '2', text_set: 'je-2.2',
      privacy_url: 'https://storing.example/privacy', identity_providers: ['ander'], services: collect(48),
    },
    {
      name: 'praktijkoud', display_name: 'Praktijk Oud', interface_version: '2', text_set: 'u-1.3', legacy_scope: true,
      privacy_url: 'https://oud.example/privacy', identity_providers: ['digid'], services: collect(48, 49),
    },
    {
      name: 'praktijkzondernaam', display_name: 'Praktijk Zonder Naam', interface_version: '2', text_set: 'je-2.2',
      privacy_url: 'https://zondernaam.example/privacy', identity_providers: ['digid'],
      services: [...collect(48, 77), { id: '77', function: 'share' }],
    },
    {
      name: 'praktijkbuitendelijst', display_name: 'Praktijk Buiten De Lijst', interface_version: '2', text_set: 'je-2.2',
      privacy_url: 'https://buiten.example/privacy', identity_providers: ['digid'], services: collect(48),
    },
  ]
}

function merge(base, changes) {
  if (changes === undefined) return base
  if (base === null || typeof base !== 'object' || Array.isArray(base) || typeof changes !== 'object' || Array.isArray(changes)) return changes
  const merged = { ...base }
  for (const [key, value] of Object.entries(changes)) merged[key] = merge(base[key], value)
  return merged
}

let houses = 0

// One journey of a person through the patient's door, step by step.
class Journey {
  constructor(house, scope, { pgo = house.pgo, browser = new Browser(), changes = {} } = {}) {
    Object.assign(this, { house, pgo, browser })
    this.request = pgo.start(scope, changes)
    // Where the person's browser leaves us: anything on the PGO's origin.
    this.isBack = (location) => new URL(location).origin === new URL(pgo.redirectUri).origin
  }

  // Every step sets `page` (the answer now on the screen) and `back` (the address at the PGO, when sent there).
  settle(answer) {
    this.page = answer
    this.back = answer.location
    this.rawBack = answer.rawLocation
    return this
  }

  async open() {
    return this.settle(await this.browser.follow(await this.browser.get(this.request.url), this.isBack))
  }

  async submit(what) {
    return this.settle(await this.browser.follow(await this.browser.submit(this.page, what), this.isBack))
  }

  login(idp) {
    return this.submit({ action: '/oauth/login', button: idp ? { value: idp } : undefined })
  }

  // Presses the login button, and stops with the browser about to come back from the identity provider.
  async loginUntilCallback() {
    const isEnd = (location) => location.startsWith(`${this.house.frontUrl}/oauth/callback`)
    return (await this.browser.follow(await this.browser.submit(this.page, { action: '/oauth/login' }), isEnd)).location
  }

  async visit(url) {
    return this.settle(await this.browser.follow(await this.browser.get(url), this.isBack))
  }

  choose(choice, fields = {}) {
    return this.submit({ action: '/oauth/consent', button: { name: 'choice', value: choice }, fields })
  }

  give({ indefinite = false } = {}) {
    return this.choose('give', indefinite ? { indefinite: 'yes' } : {})
  }

  refuse() {
    return this.choose('refuse')
  }

  // The answer that the PGO got through the browser.
  get answer() {
    return Object.fromEntries(new URL(this.back).searchParams)
  }

  redeem() {
    return this.pgo.redeem(this.request, this.back)
  }
}

export class House {
  constructor(name) {
    this.name = `${name}-${process.pid}-${++houses}`
    this.folder = path.join(artefacts, 'houses', this.name)
    rmSync(this.folder, { recursive: true, force: true })
    mkdirSync(this.folder, { recursive: true })
  }

  file(name) {
    return path.join(this.folder, name)
  }

  async build({ conf = {}, catalogue, listFacts, behaviour, ports: given = {} } = {}) {
    const ports = { front: await freePort(), back: await freePort(), internal: await freePort(), pgo: await freePort(), nobody: await freePort(), ...given }
    this.ports = ports
    this.frontUrl = `http://localhost:${ports.front}`
    this.backUrl = `https://localhost:${ports.back}`
    this.internalUrl = `http://127.0.0.1:${ports.internal}`
    this.certificates = makeCertificates(this.folder)
    this.webhook = await startWebhook()
    this.idp = await startIdentityProvider({ clientId: 'sluis', clientSecret: CLIENT_SECRET, redirectUri: `${this.frontUrl}/oauth/callback` })
    if (behaviour) this.idp.behaviour = behaviour
    this.pgo = this.makePgo('pgo.localhost', this.certificates.pgo)
    this.setClock(0)
    this.store = makeStore(this.folder)
    this.listFacts = merge({
      authorizationEndpoint: `${this.frontUrl}/oauth/authorize`,
      tokenEndpoint: `${this.backUrl}/oauth/token`,
      providers: providersInList(),
      clients: [
        { host: 'pgo.localhost', name: 'Mijn PGO & Zo' },
        { host: 'ander.localhost', name: 'Ander PGO', services: [48] },
        { host: 'nergens.localhost', name: 'PGO Nergens' },
        { host: 'beperkt.localhost', name: 'Beperkt PGO', services: [999] },
      ],
      serviceNames: SERVICE_NAMES,
      whitelist: ['pgo.localhost', 'ander.localhost', 'knoop.localhost', 'beperkt.localhost'],
    }, listFacts?.(this))
    this.listNumber = 1
    this.publishLists()
    this.writeConfiguration(conf)
    this.writeCatalogue(catalogue)
    this.sluis = new Sluis({
      binary: process.env.SLUIS_BIN ?? path.join(root, 'build-san', 'sluis'), folder: this.folder, configFile: this.file('sluis.yaml'), internalUrl: this.internalUrl,
      dataVersion: () => this.dataVersion(),
    })
    this.nodes = [this.sluis]
    await this.sluis.mustRun('keys', 'create', '--config', this.file('sluis.yaml'))
    await this.sluis.mustRun('migrate', '--config', this.file('sluis.yaml'))
    await this.sluis.mustRun('import', this.file('catalogue.yaml'), '--config', this.file('sluis.yaml'))
    return this
  }

  // A second process on the same store, keys and public address, with listeners of its own; `pgo` speaks to its back listener.
  async startNode(name) {
    const ports = { front: await freePort(), back: await freePort(), internal: await freePort() }
    const folder = this.file(name)
    mkdirSync(folder)
    const file = path.join(folder, 'sluis.yaml')
    writeFileSync(file, toYaml(this.configuration((house) => merge(typeof this.confChanges === 'function' ? this.confChanges(house) : this.confChanges, {
      node: name,
      event_log_file: path.join(folder, 'events.jsonl'),
      front: { address: `127.0.0.1:${ports.front}` },
      back: { address: `127.0.0.1:${ports.back}` },
      internal: { address: `127.0.0.1:${ports.internal}` },
    }))))
    const sluis = new Sluis({
      binary: this.sluis.binary, folder, configFile: file, internalUrl: `http://127.0.0.1:${ports.internal}`, dataVersion: () => this.dataVersion(),
    })
    this.nodes.push(sluis)
    await sluis.start()
    const pgo = this.makePgo('pgo.localhost', this.certificates.pgo)
    pgo.backUrl = `https://localhost:${ports.back}`
    return { sluis, pgo, frontUrl: `http://localhost:${ports.front}`, internalUrl: sluis.internalUrl }
  }

  makePgo(host, certificate) {
    const pgo = new Pgo({
      host, certificate, ca: this.certificates.ca, redirectUri: `http://${host}:${this.ports.pgo}/callback`, frontUrl: this.frontUrl, backUrl: this.backUrl,
    })
    this.pgos ??= []
    this.pgos.push(pgo)
    return pgo
  }

  writeConfiguration(changes = this.confChanges) {
    this.confChanges = changes
    writeFileSync(this.file('sluis.yaml'), toYaml(this.configuration(changes)))
  }

  configuration(changes) {
    const list = (name) => ({ location: listFile(this.folder, name) })
    const base = {
      development: true,
      clock_offset_file: this.file('clock'),
      node: 'test-1',
      base_url: this.frontUrl,
      token_base_url: this.backUrl,
      web_directory: path.join(root, 'web'),
      log_level: 'debug',
      event_log_file: this.file('events.jsonl'),
      front: { address: `127.0.0.1:${this.ports.front}` },
      back: { address: `127.0.0.1:${this.ports.back}`, certificate: this.file('back.crt'), key: this.file('back.key'), client_ca: this.file('ca.crt') },
      internal: { address: `127.0.0.1:${this.ports.internal}` },
      store: { url: this.store.url },
      keys: { file: this.file('keys') },
      dva: { name: 'Voorbeeld DVA', phone: '088 123 45 67' },
      lists: {
        providers: list('MedMij_Zorgaanbiederslijst'),
        clients: list('MedMij_OAuthclientlist'),
        service_names: list('MedMij_Gegevensdienstnamenlijst'),
        whitelist: list('MedMij_Whitelist'),
        interval: 900,
      },
    }
    return merge(base, typeof changes === 'function' ? changes(this) : changes)
  }

  writeCatalogue(change = (catalogue) => catalogue) {
    const catalogue = change({
      identity_providers: [
        {
          id: 'digid', label: 'Inloggen met DigiD', level: 20, level_name: 'Midden', issuer: this.idp.issuer, client_id: 'sluis',
          client_secret: CLIENT_SECRET, scope: 'openid', bsn_claim: 'bsn', allow_private: true,
        },
        {
          id: 'ander', label: 'Inloggen met Ander', level: 30, level_name: 'Substantieel', issuer: `http://ander.localhost:${this.ports.nobody}`,
          client_id: 'sluis', client_secret: CLIENT_SECRET, scope: 'openid', bsn_claim: 'bsn', allow_private: true,
        },
      ],
      providers: providersInCatalogue(this.webhook.url),
    })
    writeFileSync(this.file('duinen.svg'), LOGO)
    writeFileSync(this.file('catalogue.yaml'), toYaml(catalogue))
  }

  publishLists(facts = {}, options = {}) {
    this.listFacts = merge(this.listFacts, facts)
    writeLists(this.folder, this.listFacts, { number: this.listNumber, ...options })
    this.listNumber = (options.number ?? this.listNumber) + 1
  }

  // Seconds ahead of the real time.
  setClock(seconds) {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(seconds))
    writeFileSync(this.file('clock'), bytes, { flag: this.clock === undefined ? 'w' : 'r+' })
    this.clock = seconds
    this.idp.clockOffset = seconds
  }

  // Does something that many seconds later, and comes back. Copies of the lists that are far from the clock, on either side,
  // are too old to be used until they have been fetched anew.
  async travel(seconds, run) {
    await this.moveClock(seconds)
    try {
      return await run()
    } finally {
      await this.moveClock(0)
    }
  }

  async moveClock(seconds) {
    this.setClock(seconds)
    if (!this.hasTravelledFar && seconds < 300) return
    this.hasTravelledFar = seconds >= 300
    this.sluis.signal('SIGHUP')
    await this.sluis.waitFor('/readyz')
  }

  async start(options) {
    await this.sluis.start(options)
    return this
  }

  journey(scope, options) {
    return new Journey(this, scope, options)
  }

  // A journey up to the consent page, or to wherever the person ends.
  async login(scope, options) {
    const journey = await this.journey(scope, options).open()
    return journey.login()
  }

  // All the way to tokens.
  async collect(scope = 'huisartsdeduinen', { indefinite = false, ...options } = {}) {
    const journey = await this.login(scope, options)
    await journey.give({ indefinite })
    journey.tokens = await journey.redeem()
    return journey
  }

  // Has the lists that were published last taken up by the running server.
  async reloadLists() {
    this.sluis.signal('SIGHUP')
    const wanted = String(this.listNumber - 1)
    // A list is kept in the store once it is in use.
    await until(`lists number ${wanted} taken up`, () => this.store.query('SELECT min(volgnummer) FROM list_copy').trim() === wanted)
  }

  dataVersion() {
    return Number(this.store.query('SELECT version FROM catalog_version'))
  }

  // What was imported has been taken up by every server that runs.
  async dataTakenUp() {
    for (const node of this.nodes) await node.dataTakenUp()
  }

  // Every entry of the numbered log has been written that was made before.
  async logSettled() {
    for (const node of this.nodes) await node.logSettled()
  }

  async introspect(token) {
    const answer = await exchange(`${this.internalUrl}/oauth/introspect`, {
      method: 'POST', body: new URLSearchParams({ token }).toString(), headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    })
    if (answer.status !== 200) throw new Error(`introspection answered ${answer.status}: ${answer.text}`)
    return JSON.parse(answer.text)
  }

  async metrics() {
    return (await exchange(`${this.internalUrl}/metrics`)).text
  }

  // The MedMij event log, line by line.
  events() {
    const file = this.file('events.jsonl')
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line)) : []
  }

  cli(...words) {
    return this.sluis.mustRun(...words, '--config', this.file('sluis.yaml'))
  }

  async stop() {
    try {
      await this.sluis?.stop()
    } finally {
      for (const pgo of this.pgos ?? []) await pgo.close()
      await this.idp?.stop()
      await this.webhook?.stop()
    }
    if (this.idp?.faults.length) throw this.idp.faults[0]
  }
}

export async function startHouse(name, options = {}) {
  const house = new House(name)
  try {
    await house.build(options)
    return await house.start(options.start)
  } catch (error) {
    await house.stop().catch(() => {})
    throw error
  }
}
