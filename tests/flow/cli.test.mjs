// The subcommands as an administrator meets them: help, wrong use, every fault with its place and remedy, and that what
// goes in comes out again.
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { makeCertificates } from './support/certificates.mjs'
import { writeLists } from './support/lists.mjs'
import { freePort } from './support/ports.mjs'
import { makeStore } from './support/stores.mjs'
import { toYaml } from './support/yaml.mjs'

const tests = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const root = path.dirname(tests)
const binary = process.env.SLUIS_BIN ?? path.join(root, 'build-san', 'sluis')
const folder = path.join(tests, 'artefacts', 'houses', `cli-${process.pid}`)
const file = (name) => path.join(folder, name)
const BSN = '999990019'
const SECRET = 'geheim-van-de-opdrachtregel-4711'

let store, provider, configuration

function run(words, { input = '' } = {}) {
  return new Promise((resolve, reject) => {
    const child = execFile(binary, words, { cwd: folder, timeout: 120000, maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      if (/Sanitizer|runtime error:/.test(stderr)) return reject(new Error(`sluis ${words.join(' ')}: ${stderr}`))
      return resolve({ status: error ? error.code ?? error.signal : 0, stdout, stderr })
    })
    child.stdin.on('error', () => {}) // a program that does not read its input may end first
    child.stdin.end(input)
  })
}

// With the configuration of this installation.
const sluis = (...words) => run([...words, '--config', 'sluis.yaml'])

async function must(...words) {
  const result = await sluis(...words)
  assert.equal(result.status, 0, `sluis ${words.join(' ')}: ${result.stdout}${result.stderr}`)
  return result.stdout
}

function writeConfiguration(changes = {}, name = 'sluis.yaml') {
  writeFileSync(file(name), toYaml({ ...configuration, ...changes }))
}

// Metadata of an identity provider whose clock can be wrong.
async function startProvider() {
  const port = await freePort()
  const issuer = `http://idp.localhost:${port}`
  const state = { issuer, told: issuer, offset: 0 }
  state.server = http.createServer((request, response) => {
    response.sendDate = false
    response.setHeader('Date', new Date(Date.now() + state.offset * 1000).toUTCString())
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify({
      issuer: state.told, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/jwks`,
      response_types_supported: ['code'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['RS256'],
      code_challenge_methods_supported: ['S256'],
    }))
  })
  await new Promise((resolve) => state.server.listen(port, '127.0.0.1', resolve))
  return state
}

const catalogue = () => ({
  identity_providers: [{
    id: 'digid', label: 'Inloggen met DigiD', level: 20, level_name: 'Midden', issuer: provider.issuer, client_id: 'sluis',
    client_secret: SECRET, bsn_claim: 'bsn', allow_private: true, picture: 'picture.svg',
  }],
  providers: [{
    name: 'huisartsdeduinen', display_name: `Praktijk <b>O'Neil</b> & "Zn" é`, interface_version: '2', text_set: 'je-2.2',
    privacy_url: 'https://duinen.example/privacy?a=1&b=2', color: '#0b6e4f', identity_providers: ['digid'],
    availability: { type: 'webhook', url: 'https://hook.example/', secret: SECRET, timeout_ms: 1500, before_consent: true },
    services: [{ id: '48', function: 'collect' }, { id: '49', function: 'subscribe', max_days: 200 }],
  }],
})

function writeCatalogue(change = (data) => data) {
  const data = catalogue()
  change(data)
  writeFileSync(file('catalogue.yaml'), toYaml(data))
}

before(async () => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  provider = await startProvider()
  store = makeStore(folder)
  makeCertificates(folder)
  writeFileSync(file('picture.svg'), '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0h9v9z"/></svg>\n')
  writeLists(folder, {
    authorizationEndpoint: 'http://localhost:21500/oauth/authorize', tokenEndpoint: 'https://localhost:21501/oauth/token',
    providers: [{ name: 'huisartsdeduinen', services: [{ id: 48 }] }], clients: [{ host: 'pgo.localhost', name: 'Mijn PGO' }],
    serviceNames: { 48: 'Basisgegevens Zorg' }, whitelist: ['pgo.localhost'],
  }, { number: 7 })
  const list = (name) => ({ location: `${name}.xml` })
  configuration = {
    development: true, node: 'test-1', base_url: 'http://localhost:21500', token_base_url: 'https://localhost:21501',
    web_directory: path.join(root, 'web'), event_log_file: 'events.jsonl',
    back: { address: '127.0.0.1:21501', certificate: 'back.crt', key: 'back.key', client_ca: 'ca.crt' },
    store: { url: store.url }, keys: { file: 'keys' }, dva: { name: 'Voorbeeld DVA', phone: '088 123 45 67' },
    lists: {
      providers: list('MedMij_Zorgaanbiederslijst'), clients: list('MedMij_OAuthclientlist'),
      service_names: list('MedMij_Gegevensdienstnamenlijst'), whitelist: list('MedMij_Whitelist'),
    },
  }
  writeConfiguration()
})

after(async () => {
  provider?.server.closeAllConnections()
  provider?.server.close()
  await store?.drop?.()
})

const COMMANDS = [
  ['check'], ['migrate'], ['import'], ['export'], ['version'], ['lists', 'show'], ['lists', 'verify'], ['keys', 'create'],
  ['keys', 'list'], ['keys', 'rotate'], ['keys', 'reseal'], ['consent', 'list'], ['consent', 'show'], ['consent', 'withdraw'], ['audit', 'list'],
  ['audit', 'patient'], ['audit', 'verify'],
]

describe('help and wrong use', () => {
  for (const words of COMMANDS) {
    test(`sluis ${words.join(' ')} --help tells its use, wrong options end with status 2`, async () => {
      const help = await run([...words, '--help'])
      assert.equal(help.status, 0)
      assert.match(help.stdout, new RegExp(`^usage: sluis ${words.join(' ')} `))
      assert.match(help.stdout, /-h, --help/)
      if (words[0] !== 'version') assert.match(help.stdout, /-c, --config FILE/)
      for (const line of help.stdout.split('\n')) assert.ok(line.length <= 80, line)
      const wrong = await run([...words, '--no-such-option'])
      assert.equal(wrong.status, 2)
      assert.equal(wrong.stdout, '')
      assert.match(wrong.stderr, /--no-such-option.*--help/)
    })
  }

  test('every command is in the list of its group', async () => {
    for (const words of [[], ['keys'], ['consent'], ['audit'], ['lists']]) {
      const { stdout, status } = await run([...words, '--help'])
      assert.equal(status, 0)
      for (const [first, second] of COMMANDS) {
        const name = words.length === 0 ? first : words[0] === first ? second : undefined
        if (name) assert.match(stdout, new RegExp(`^  ${name} `, 'm'))
      }
    }
  })

  test('the manual page has every command and every option', async () => {
    const page = readFileSync(path.join(root, 'docs', 'man', 'sluis.1.md'), 'utf8')
    const { stdout: all } = await run(['--help'])
    for (const [, name] of all.matchAll(/^ {2}(\w+) /gm)) assert.ok(page.includes(`## sluis ${name}`), name)
    for (const words of COMMANDS) {
      const { stdout } = await run([...words, '--help'])
      for (const [, option] of stdout.matchAll(/^ +(?:-\w, )?(--[\w-]+)/gm)) assert.ok(page.includes(`\`${option}\``), `${words.join(' ')} ${option}`)
    }
  })

  test('no command, an unknown one, missing and surplus arguments end with status 2 and say where to look', async () => {
    for (const words of [[], ['nope'], ['keys'], ['keys', 'nope'], ['import'], ['import', 'a', 'b'], ['consent', 'show'],
      ['consent', 'show', 'not-an-id'], ['consent', 'withdraw', 'x'], ['consent', 'list', '--limit', '0'], ['consent', 'list', BSN],
      ['consent', 'list', '--limit'], ['audit', 'list', '--after', 'x'], ['lists', 'verify', 'f', '--list', 'other'], ['version', 'x'],
      ['consent', 'list', '--person', '--person-file', 'f']]) {
      const result = await run(words)
      assert.equal(result.status, 2, words.join(' '))
      assert.match(result.stderr, /--help/, words.join(' '))
      assert.equal(result.stdout, '')
    }
  })

  test('a configuration that is not there is named, with what to do', async () => {
    const result = await run(['import', 'catalogue.yaml', '--config', 'nowhere.yaml'])
    assert.equal(result.status, 1)
    assert.match(result.stderr, /nowhere\.yaml: No such file or directory; name the configuration file with --config/)
  })

  test('output that cannot be written is a fault', async () => {
    const result = await new Promise((resolve) => execFile('sh', ['-c', `"${binary}" version > /dev/full`], (error, stdout, stderr) => {
      resolve({ status: error?.code ?? 0, stderr })
    }))
    assert.equal(result.status, 1)
    assert.match(result.stderr, /standard output: No space left/)
  })
})

describe('check', () => {
  test('--sample is a configuration that loads, --manual is the page in the repository', async () => {
    const sample = await run(['check', '--sample'])
    assert.equal(sample.status, 0)
    writeFileSync(file('sample.yaml'), sample.stdout)
    const checked = await run(['check', '--config', 'sample.yaml'])
    assert.match(checked.stdout, /^ok +sample\.yaml: the configuration is in order$/m)
    const manual = await run(['check', '--manual'])
    assert.equal(manual.stdout, readFileSync(path.join(root, 'docs', 'man', 'sluis.yaml.5.md'), 'utf8'))
  })

  test('names every fault of a configuration with file, line, column, key and remedy', async () => {
    writeFileSync(file('wrong.yaml'), 'development: maybe\nbase_url: http://x.nl\nfront:\n  adress: "[::]:80"\nlimits: {workers: many}\n')
    const { status, stdout } = await run(['check', '--config', 'wrong.yaml'])
    assert.equal(status, 1)
    assert.match(stdout, /^fault +wrong\.yaml:1:14: development: 'maybe' does not fit; write true or false$/m)
    assert.match(stdout, /^fault +wrong\.yaml:2:11: base_url: is http, which is for development mode only; write an https URL/m)
    assert.match(stdout, /^fault +wrong\.yaml:4:3: front\.adress: there is no such key; did you mean front\.address\?$/m)
    assert.match(stdout, /^fault +wrong\.yaml:5:19: limits\.workers: 'many' does not fit; write a whole number from 1 to 1024$/m)
    assert.match(stdout, /^fault +wrong\.yaml: store\.url: is missing; write sqlite:FILE or postgresql/m)
    assert.match(stdout, /^0 ok, 1 warning, 13 faults$/m)
    const lines = [...stdout.matchAll(/^fault +wrong\.yaml:(\d+):/gm)].map((found) => Number(found[1]))
    assert.deepEqual(lines, lines.toSorted((a, b) => a - b), 'in the order of the file')
  })

  test('an installation in order has no fault', async () => {
    await must('keys', 'create')
    await must('migrate')
    writeCatalogue()
    await must('import', 'catalogue.yaml')
    const { status, stdout } = await sluis('check')
    assert.equal(status, 0, stdout)
    assert.match(stdout, /^ok +sluis\.yaml:\d+:\d+: back\.certificate: back\.crt: is for localhost$/m)
    assert.match(stdout, /^ok .*lists\.clients\.location: .*volgnummer 7 .*1 entries$/m)
    assert.match(stdout, /^ok +identity provider digid: /m)
    assert.match(stdout, /^ok +clock: as that of idp\.localhost/m)
    assert.match(stdout, / 0 faults$/m)
    assert.ok(!stdout.includes(SECRET))
  })

  const faults = [
    ['a key that does not belong to its certificate', () => writeConfiguration({ back: { ...configuration.back, key: 'pgo.key' } }),
      /^fault +wrong\.yaml:\d+:\d+: back\.key: .*does not belong to the certificate; name the key/m],
    ['a certificate for another host', () => writeConfiguration({ back: { ...configuration.back, certificate: 'pgo.crt', key: 'pgo.key' } }),
      /^fault .*back\.certificate: .*is not for localhost, the host of https:\/\/localhost:21501; get a certificate/m],
    ['a certificate that is not there', () => writeConfiguration({ back: { ...configuration.back, certificate: 'none.crt' } }),
      /^fault .*back\.certificate: .*none\.crt: No such file or directory; put the file there/m],
    ['authorities without a certificate', () => writeConfiguration({ back: { ...configuration.back, client_ca: 'picture.svg' } }),
      /^fault .*back\.client_ca: .*there is no certificate in it/m],
    ['a list that is not there', () => writeConfiguration({ lists: { ...configuration.lists, whitelist: { location: 'none.xml' } } }),
      /^fault .*lists\.whitelist\.location: .*none\.xml: No such file/m],
    ['a list of another kind', () => writeConfiguration({ lists: { ...configuration.lists, whitelist: { location: 'MedMij_OAuthclientlist.xml' } } }),
      /^fault .*lists\.whitelist\.location: .*root element/m],
    ['keys that are not there', () => writeConfiguration({ keys: { file: 'none' } }), /^fault .*keys\.file: .*sluis keys create/m],
    ['keys that everyone can read', () => {
      writeFileSync(file('open-keys'), readFileSync(file('keys')))
      chmodSync(file('open-keys'), 0o644)
      writeConfiguration({ keys: { file: 'open-keys' } })
    }, /^fault .*keys\.file: /m],
    ['a store that is not there', () => writeConfiguration({ store: { url: 'sqlite:nowhere/s.db' } }), /^fault .*store\.url: /m],
    ['a store without schema', () => {
      writeFileSync(file('empty.db'), '')
      writeConfiguration({ store: { url: 'sqlite:empty.db' } })
    },
      /^fault .*store\.url: the store has schema 0 and this program needs \d+; run `sluis migrate`$/m],
    ['templates that are not there', () => writeConfiguration({ web_directory: folder }), /^fault .*web_directory: /m],
    ['an event log that cannot be written', () => writeConfiguration({ event_log_file: 'nowhere/events.jsonl' }), /^fault .*event_log_file: /m],
    ['a logo with a script', () => {
      writeFileSync(file('logo.svg'), '<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>')
      writeConfiguration({ medmij: { logo: 'logo.svg' } })
    }, /^fault .*medmij\.logo: .*<script>/m],
    ['a clock that differs', () => { provider.offset = 300 }, /^fault +clock: differs (29|30)\d seconds from that of idp\.localhost:\d+: logins will be refused; let this/m],
    ['an identity provider with another issuer', () => { provider.told = 'http://other.localhost' }, /^fault +identity provider digid: .*issuer/m],
  ]
  for (const [name, spoil, expected] of faults) {
    test(`finds ${name}, and goes on`, async () => {
      writeConfiguration()
      spoil()
      writeFileSync(file('wrong.yaml'), readFileSync(file('sluis.yaml')))
      writeConfiguration()
      const { status, stdout } = await run(['check', '--config', 'wrong.yaml'])
      provider.offset = 0
      provider.told = provider.issuer
      assert.match(stdout, expected)
      assert.equal(status, 1)
      assert.match(stdout, /^(ok|warning) +clock|^fault +clock/m, 'the last check was reached')
    })
  }

  test('changes nothing: a store that is not there is not made', async () => {
    writeConfiguration({ store: { url: 'sqlite:unmade.db' } })
    const { status, stdout } = await sluis('check')
    writeConfiguration()
    assert.match(stdout, /^fault .*store\.url: .*unmade\.db: No such file or directory; make it with `sluis migrate`, or correct the name$/m)
    assert.equal(status, 1)
    assert.ok(!existsSync(file('unmade.db')))
  })

  test('serve names what is missing, once, and a store that is too new', async () => {
    const off = { enabled: false }
    const back = { ...configuration.back, address: `127.0.0.1:${await freePort()}`, certificate: 'nowhere.crt' }
    writeConfiguration({ store: { url: 'sqlite:serve.db' }, front: off, internal: off, back })
    await must('migrate')
    const missing = await sluis('serve')
    writeConfiguration()
    assert.equal(missing.status, 1)
    assert.match(missing.stderr, /^sluis: listener back: .*nowhere\.crt: No such file or directory$/m)
    store.execute(`INSERT INTO schema_migration SELECT max(version) + 1, 'later', 0 FROM schema_migration`)
    try {
      const { status, stderr } = await sluis('serve')
      assert.equal(status, 1)
      assert.match(stderr, /^sluis: the store has schema \d+, newer than this program knows \(\d+\); use the newer program$/m)
      assert.ok(!stderr.includes('sluis migrate'))
    } finally {
      store.execute(`DELETE FROM schema_migration WHERE name = 'later'`)
    }
  })

  test('warns of a certificate that ends soon, which is no fault', async () => {
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=soon',
      '-addext', 'subjectAltName=DNS:localhost', '-keyout', 'soon.key', '-out', 'soon.crt'], { cwd: folder, stdio: 'ignore' })
    writeConfiguration({ back: { ...configuration.back, certificate: 'soon.crt', key: 'soon.key' } })
    const { status, stdout } = await sluis('check', '--quiet')
    writeConfiguration()
    assert.equal(status, 0)
    assert.match(stdout, /^warning .*back\.certificate: .*soon\.crt: .* expires in [12] days; get a new certificate in time$/m)
    assert.doesNotMatch(stdout, /^ok/m)
  })
})

describe('import and export', () => {
  test('an import tells what it did, and doing it again changes nothing', async () => {
    writeCatalogue((data) => { data.providers[0].display_name = 'Anders' })
    const dry = await must('import', 'catalogue.yaml', '--dry-run')
    assert.match(dry, /^unchanged {2}identity provider digid$/m)
    assert.match(dry, /^changed {4}provider huisartsdeduinen$/m)
    assert.match(dry, /0 added, 1 changed, 1 unchanged, 0 removed; this was a dry run/)
    assert.match(await must('import', 'catalogue.yaml'), /0 added, 1 changed, 1 unchanged, 0 removed$/m)
    assert.match(await must('import', 'catalogue.yaml'), /0 added, 0 changed, 2 unchanged, 0 removed$/m)
    writeCatalogue()
    assert.match(await must('import', 'catalogue.yaml'), /0 added, 1 changed, 1 unchanged, 0 removed$/m)
  })

  test('an export reads back without a change, with secrets and without', async () => {
    const open = await must('export')
    assert.ok(!open.includes(SECRET))
    await must('export', 'open.yaml')
    assert.equal(readFileSync(file('open.yaml'), 'utf8'), open)
    assert.match(await must('import', 'open.yaml', '--prune'), /0 added, 0 changed, 2 unchanged, 0 removed$/m)
    await must('export', 'secret.yaml', '--with-secrets')
    assert.equal(statSync(file('secret.yaml')).mode & 0o777, 0o600)
    const secret = readFileSync(file('secret.yaml'), 'utf8')
    assert.equal(secret.split(SECRET).length, 3)
    assert.match(await must('import', 'secret.yaml', '--prune'), /0 added, 0 changed, 2 unchanged, 0 removed$/m)
    assert.equal(await must('export', '--with-secrets'), secret)
  })

  test('all faults come with file, line and column, and nothing is imported', async () => {
    const untouched = await must('export', '--with-secrets')
    writeCatalogue((data) => {
      data.providers[0].color = 'rood'
      data.providers[0].name = 'Met Hoofdletters'
      data.identity_providers[0].picture = 'keys'
      data.identity_providers[0].issuer = 'http://elders.example'
      data.identity_providers.push({ ...data.identity_providers[0], id: 'nieuw', picture: undefined, issuer: provider.issuer })
    })
    const { status, stdout, stderr } = await sluis('import', 'catalogue.yaml')
    assert.equal(status, 1)
    assert.equal(stdout, '')
    const lines = readFileSync(file('catalogue.yaml'), 'utf8').split('\n')
    const expectAt = (word, key) => {
      const line = lines.findIndex((text) => text.includes(word)) + 1
      assert.match(stderr, new RegExp(`catalogue\\.yaml:${line}:\\d+: ${key}`))
    }
    expectAt('"rood"', 'providers\\[0\\]\\.color: ')
    expectAt('Met Hoofdletters', 'providers\\[0\\]\\.name: ')
    expectAt('"keys"', 'identity_providers\\[0\\]\\.picture: neither PNG nor well-formed SVG')
    expectAt('elders', 'identity_providers\\[0\\]\\.issuer: ')
    assert.match(stderr, /4 faults; nothing was imported/)
    assert.equal(await must('export', '--with-secrets'), untouched)
    assert.ok(!stderr.includes(SECRET))
  })

  test('--prune removes what is not in the file', async () => {
    writeCatalogue((data) => { data.providers.push({ ...data.providers[0], name: 'tweede', availability: undefined }) })
    assert.match(await must('import', 'catalogue.yaml'), /1 added/)
    writeCatalogue()
    assert.match(await must('import', 'catalogue.yaml'), /0 added, 0 changed, 2 unchanged, 0 removed$/m)
    assert.match(await must('import', 'catalogue.yaml', '--prune'), /^removed {4}provider tweede$/m)
    assert.ok(!(await must('export')).includes('tweede'))
  })

  test('the file may come from standard input', async () => {
    const result = await run(['import', '-', '--config', 'sluis.yaml'], { input: await must('export') })
    assert.equal(result.status, 0, result.stderr)
    assert.match(result.stdout, /0 added, 0 changed, 2 unchanged/)
  })

  test('--manual is the page in the repository', async () => {
    const manual = await run(['import', '--manual'])
    assert.equal(manual.stdout, readFileSync(path.join(root, 'docs', 'man', 'sluis-import.5.md'), 'utf8'))
  })
})

describe('keys, lists, consent and audit', () => {
  test('a key file is never made twice, rotation keeps what is there readable and is in the audit trail', async () => {
    const first = readFileSync(file('keys'), 'utf8')
    const again = await sluis('keys', 'create')
    assert.equal(again.status, 1)
    assert.equal(readFileSync(file('keys'), 'utf8'), first)
    assert.match(await must('keys', 'rotate'), /added key 2/)
    const list = await must('keys', 'list')
    assert.match(list, /encryption keys {2}2/)
    assert.match(list, /sealing with +key 2/)
    for (const line of first.trim().split('\n')) assert.ok(!list.includes(line.split(' ')[1]))
    assert.ok((await must('export', '--with-secrets')).includes(SECRET))
    const entries = (await must('audit', 'list', '--json')).trim().split('\n').map((line) => JSON.parse(line))
    assert.equal(entries.at(-1).action, 'key_rotate')
    assert.equal(entries.at(-1).subject, 'key 2')
    assert.deepEqual(entries.map(({ number }) => number), entries.map((_, index) => index + 1))
    assert.match(await must('audit', 'verify'), new RegExp(`intact: ${entries.length} entries of 1 node$`, 'm'))
    assert.match(await must('audit', 'list'), /^NUMBER +AT +ACTOR +ACTION +SUBJECT +DETAILS$/m)
  })


  test('after a rotation everything stored is sealed anew, and the old key leaves the key file', async () => {
    const keys = readFileSync(file('keys'), 'utf8')
    assert.match(await must('keys', 'list', '--use'), /^KEY +STATE +STORED +PASSING +AUDIT\n1 +opens +[1-9]\d* +0 +0\n2 +seals +0 +0 +0\n$/)
    const resealed = async () => (await must('audit', 'list', '--json', '--limit', '1000')).trim().split('\n').map((line) => JSON.parse(line))
      .filter(({ action }) => action === 'key_reseal').map(({ subject, details }) => `${subject}: ${details}`)
    // The last column fails: the trail tells all the same what was done by then.
    store.query('ALTER TABLE signing_key RENAME TO signing_key_away')
    const failed = await sluis('keys', 'reseal')
    assert.equal(failed.status, 1)
    assert.match(failed.stderr, /the store failed; what was sealed anew stays so/)
    assert.match(failed.stdout, /^identity_provider\.client_secret_sealed +[1-9]\d* +0$/m)
    store.query('ALTER TABLE signing_key_away RENAME TO signing_key')
    const [begin, end, ...none] = await resealed()
    assert.equal(begin, 'key 2: begins')
    assert.match(end, /^key 2: [1-9]\d* values were sealed anew, 0 do not open; then the store failed$/)
    assert.deepEqual(none, [])
    const told = await must('keys', 'reseal')
    assert.match(told, /^key 1 is no longer used: .* its line may leave the key file/m)
    assert.match(await must('keys', 'list', '--use'), /^1 +opens +0 +0 +0\n2 +seals +[1-9]\d* +0 +0\n$/m)
    const again = await must('keys', 'reseal')
    assert.doesNotMatch(again, /_sealed +[1-9]/)
    writeFileSync(file('keys'), keys.replace(/^1 .*\n/m, ''))
    assert.ok((await must('export', '--with-secrets')).includes(SECRET))
    assert.deepEqual((await resealed()).slice(-2), ['key 2: begins', 'key 2: 0 values were sealed anew, 0 do not open'])

    writeFileSync(file('keys'), keys.replace(/^2 .*\n/m, ''))
    const lost = await must('keys', 'list', '--use')
    assert.match(lost, /^1 +seals +0 +0 +0\n2 +not in the key file +[1-9]\d* +0 +0\n$/m)
    writeFileSync(file('keys'), keys)
  })

  test('lists are verified from the configuration and from a file', async () => {
    assert.match(await must('lists', 'verify'), /(.*a valid MedMij_\w+: volgnummer 7 .*\n){4}/)
    assert.match(await must('lists', 'verify', 'MedMij_Whitelist.xml'), /a valid MedMij_Whitelist/)
    const other = await sluis('lists', 'verify', 'MedMij_Whitelist.xml', '--list', 'clients')
    assert.equal(other.status, 1)
    assert.match(other.stderr, /MedMij_Whitelist\.xml: .*root element/)
    assert.match(await must('lists', 'show'), /^whitelist .*never fetched$/m)
  })

  test('a person is looked up by a BSN from standard input or a file, never shown', async () => {
    for (const result of [
      await run(['consent', 'list', '--person', '--json', '-c', 'sluis.yaml'], { input: `${BSN}\n` }),
      await run(['consent', 'list', '--config', 'sluis.yaml', '--active', '--provider', 'x', '--client', 'y']),
    ]) {
      assert.equal(result.status, 0, result.stderr)
      assert.ok(!result.stdout.includes(BSN))
    }
    const wrong = await run(['consent', 'list', '--person', '-c', 'sluis.yaml'], { input: '123456789\n' })
    assert.equal(wrong.status, 1)
    assert.match(wrong.stderr, /does not hold a BSN/)
    assert.ok(!wrong.stderr.includes('123456789'))
    writeFileSync(file('person'), BSN)
    assert.equal((await sluis('consent', 'list', '--person-file', 'person')).status, 0)
    const absent = await sluis('consent', 'show', '019ab000-0000-7000-8000-000000000000')
    assert.equal(absent.status, 1)
    assert.match(absent.stderr, /there is no consent with id/)
    assert.equal((await sluis('consent', 'withdraw', '019ab000-0000-7000-8000-000000000000')).status, 1)
  })

  test('migrate does nothing the second time, and other commands ask for it the first time', async () => {
    assert.match(await must('migrate'), /; 0 applied now$/m)
    writeConfiguration({ store: { url: 'sqlite:fresh.db' } }, 'fresh.yaml')
    for (const words of [['sso', 'log', 'list'], ['export'], ['audit', 'list'], ['consent', 'list'], ['keys', 'list', '--use'], ['migrate', '--dry-run'], ['serve']]) {
      const none = await run([...words, '--config', 'fresh.yaml'])
      assert.equal(none.status, 1, words.join(' '))
      assert.match(none.stderr, /fresh\.db: there is no store; make it with `sluis migrate`, or correct the name$/m, words.join(' '))
      assert.ok(!existsSync(file('fresh.db')), words.join(' '))
    }
    writeFileSync(file('fresh.db'), '')
    const early = await run(['export', '--config', 'fresh.yaml'])
    assert.equal(early.status, 1)
    assert.match(early.stderr, /the store has schema 0 and this program needs \d+; run `sluis migrate`/)
    assert.match((await run(['migrate', '--dry-run', '--config', 'fresh.yaml'])).stdout, /nothing was changed/)
    assert.match((await run(['migrate', '--config', 'fresh.yaml'])).stdout, /; [1-9]\d* applied now$/m)
    assert.equal((await run(['export', '--config', 'fresh.yaml'])).status, 0)
  })
})
