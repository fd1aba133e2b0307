// Running the program: health, reload, drain, lists that grow old, proxies that end TLS (spec 3.14, 7.5, 8).
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import { after, before, test } from 'node:test'
import { House, exchange, isPostgres, startHouse } from './harness.mjs'
import { makeCertificate } from './support/certificates.mjs'
import { assertPage, assertTechnicalFailure, assertTokenError, check } from './support/checks.mjs'
import { until } from './support/patience.mjs'
import { lookupLoopback } from './support/ports.mjs'
import { answers } from './support/webhook.mjs'

let house
before(async () => { house = await startHouse('operations') })
after(() => house.stop())

const internal = (path) => exchange(`${house.internalUrl}${path}`)

// A fetch in which the client list was refused.
async function refusedFetch(run) {
  const count = () => house.sluis.log().split('"event":"list_refresh_failed","list":"MedMij_OAuthclientlist"').length
  const before = count()
  run()
  house.sluis.signal('SIGHUP')
  await until('a list that is refused', () => count() > before)
}

check('healthz, readyz and metrics answer on the internal listener', async () => {
  assert.equal((await internal('/healthz')).status, 200)
  assert.equal((await internal('/readyz')).status, 200)
  const metrics = await internal('/metrics')
  assert.equal(metrics.status, 200)
  assert.match(metrics.text, /^sluis_medmij_events_total\{type="receive_authorization_request"\} \d+$/m)
  assert.match(metrics.text, /# EOF\s*$/)
  const counter = () => house.metrics().then((text) => Number(/^sluis_medmij_events_total\{type="show_landing_page"\} (\d+)$/m.exec(text)[1]))
  const earlier = await counter()
  await house.journey('huisartsdeduinen').open()
  assert.equal(await counter(), earlier + 1)
})

check('readyz is 503 while the store is away, and healthz is not', async () => {
  house.store.execute('ALTER TABLE catalog_version RENAME TO catalog_version_away')
  house.store.execute('ALTER TABLE catalog_version_away RENAME TO catalog_version')
  assert.equal((await internal('/healthz')).status, 200)
  await until('ready again', async () => (await internal('/readyz')).status === 200)
})

check('SIGHUP takes up the configuration, without dropping a request', async () => {
  let failures = 0
  let requests = 0
  let isDone = false
  const visitor = (async () => {
    while (!isDone) {
      const answer = await exchange(`${house.frontUrl}/.well-known/oauth-authorization-server`).catch((error) => error)
      requests++
      if (answer.status !== 200) failures++
    }
  })()
  house.writeConfiguration({ dva: { name: 'Nieuwe DVA' } })
  house.sluis.signal('SIGHUP')
  await until('the new name', async () => {
    const journey = await house.journey('praktijkdestoring').open()
    await journey.login()
    return journey.page.text.includes('Nieuwe DVA')
  })
  house.writeConfiguration({})
  house.sluis.signal('SIGHUP')
  await until('the old name', async () => {
    const journey = await house.journey('praktijkdestoring').open()
    await journey.login()
    return journey.page.text.includes('Voorbeeld DVA')
  })
  isDone = true
  await visitor
  assert.ok(requests > 0)
  assert.equal(failures, 0)
})

check('SIGHUP says of every changed key that needs a restart that it does', async () => {
  house.writeConfiguration({ limits: { workers: 7 }, proxies: { trusted: ['127.0.0.9'], client_certificate_header: 'Client-Cert' }, lifetimes: { code: 300 } })
  const before = house.sluis.log().length
  house.sluis.signal('SIGHUP')
  await until('the reload', () => house.sluis.log().slice(before).includes('"event":"reloaded"'))
  const keys = house.sluis.log().slice(before).split('\n').filter((line) => line.includes('reload_needs_restart')).map((line) => JSON.parse(line).key)
  assert.deepEqual(keys.sort(), ['limits.workers', 'proxies.client_certificate_header', 'proxies.trusted'])
  house.writeConfiguration({})
  house.sluis.signal('SIGHUP')
})

check('SIGHUP with a faulty configuration changes nothing, and says what is wrong', async () => {
  const file = house.file('sluis.yaml')
  const good = readFileSync(file)
  writeFileSync(file, `${good}onbekend: 1\n`)
  // The key file is read all the same: what is wrong with that is in the log as well.
  chmodSync(house.file('keys'), 0o644)
  house.sluis.signal('SIGHUP')
  await until('a line about it in the log', () => /sluis\.yaml.*onbekend|onbekend.*sluis\.yaml/.test(house.sluis.log()))
  assert.match(house.sluis.log(), /"keys_not_reloaded"/)
  chmodSync(house.file('keys'), 0o600)
  writeFileSync(file, good)
  assertPage((await house.journey('huisartsdeduinen').open()).page, 200, 'Huisartsenpraktijk De Duinen')
  house.sluis.signal('SIGHUP')
})

check('SIGHUP takes up an encryption key that was added: what is imported after that is served', async () => {
  const file = house.file('catalogue.yaml')
  const good = readFileSync(file, 'utf8')
  const isShown = async (text) => (await house.journey('huisartsdeduinen').open()).page.text.includes(text)
  const behind = async () => Number((await house.metrics()).match(/^sluis_business_data_behind_seconds\{data="catalogue"\} (\d+)$/m)[1])
  assert.equal(await behind(), 0)
  const before = house.sluis.log().length
  assert.match(await house.cli('keys', 'rotate'), /added key 2/)
  writeFileSync(file, good.replaceAll('Huisartsenpraktijk De Duinen', 'Huisartsenpraktijk De Zandbak').replaceAll('Inloggen met Ander', 'Inloggen met Anders'))
  await house.cli('import', file)
  // Without the key: the log names it and says what to do, the metrics tell it, and what was there is served.
  await until('both lines in the log', () =>
    /store_failed.*sealed with key 2, which is not here; add that to the key file and send SIGHUP.*\n.*catalog_not_refreshed.*"what":"catalogue"/.test(house.sluis.log().slice(before)), 30000)
  assert.ok(await behind() > 0)
  assert.ok(await isShown('Huisartsenpraktijk De Duinen'))
  house.sluis.signal('SIGHUP')
  await until('the new name', () => isShown('Huisartsenpraktijk De Zandbak'), 30000)
  assert.equal(await behind(), 0)
  // A file with other keys is told of, and the server goes on with those that it has.
  const keys = house.file('keys')
  const right = readFileSync(keys)
  writeFileSync(keys, String(right).replace(/^lookup ./m, (line) => `lookup ${line.endsWith('A') ? 'B' : 'A'}`))
  house.sluis.signal('SIGHUP')
  await until('a line about it in the log', () => /keys_not_reloaded.*has other keys/.test(house.sluis.log()), 30000)
  writeFileSync(keys, right)
  writeFileSync(file, good)
  await house.cli('import', file)
  await until('the old name', () => isShown('Huisartsenpraktijk De Duinen'), 30000)
})

check('SIGHUP takes up a new certificate of the back listener', async () => {
  const fingerprint = () => new Promise((resolve, reject) => {
    const request = https.get({ host: 'localhost', port: house.ports.back, path: '/', lookup: lookupLoopback, agent: false, ...house.pgo.tls() }, (response) => {
      resolve(response.socket.getPeerCertificate().fingerprint256)
      response.resume()
    })
    request.on('error', reject)
  })
  const earlier = await fingerprint()
  makeCertificate(house.folder, 'back', ['DNS:localhost', 'IP:127.0.0.1'])
  house.sluis.signal('SIGHUP')
  await until('the new certificate', async () => (await fingerprint()) !== earlier)
  assert.ok((await house.collect()).tokens.access_token)
})

check('SIGHUP opens the event log anew, after rotation', async () => {
  renameSync(house.file('events.jsonl'), house.file('events.old.jsonl'))
  house.sluis.signal('SIGHUP')
  await until('a new file with new lines', async () => {
    await house.journey('huisartsdeduinen').open()
    return house.events().length > 0
  })
})

check('an import is taken up by the running server, without a signal', async () => {
  house.writeCatalogue((catalogue) => {
    catalogue.providers[0].display_name = 'Praktijk Met Nieuwe Naam'
    return catalogue
  })
  await house.cli('import', house.file('catalogue.yaml'))
  await until('the new name', async () => (await house.journey('huisartsdeduinen').open()).page.text.includes('Praktijk Met Nieuwe Naam'))
  house.writeCatalogue()
  await house.cli('import', house.file('catalogue.yaml'))
  await until('the old name', async () => (await house.journey('huisartsdeduinen').open()).page.text.includes('Huisartsenpraktijk De Duinen'))
})

// ---- lists ----

check('7.5 lists: a lower Volgnummer is refused, the copy that is there stays in use', async () => {
  house.publishLists()
  await house.reloadLists()
  const number = house.listNumber
  await refusedFetch(() => house.publishLists({ clients: [{ host: 'ander.localhost', name: 'Alleen Ander' }] }, { number: 1 }))
  assertPage((await house.journey('huisartsdeduinen').open()).page, 200)
  house.listNumber = number
  house.publishLists({ clients: [{ host: 'pgo.localhost', name: 'Mijn PGO & Zo' }, { host: 'ander.localhost', name: 'Ander PGO', services: [48] }] })
  await house.reloadLists()
})

check('7.5 lists: a document that is no list is refused, the copy that is there stays in use', async () => {
  const file = house.file('MedMij_OAuthclientlist.xml')
  const good = readFileSync(file)
  const bad = [
    '', 'geen xml', '<OAuthclientlist/>', good.toString().replace('</OAuthclients>', ''),
    `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>${good.toString().replace(/<\?xml[^>]*\?>/, '').replace('Mijn PGO', '&x;')}`,
    '<a>'.repeat(5000),
  ]
  for (const text of bad) {
    await refusedFetch(() => writeFileSync(file, text))
    assertPage((await house.journey('huisartsdeduinen').open()).page, 200)
  }
  writeFileSync(file, good)
  house.sluis.signal('SIGHUP')
})

check('7.5 lists: a client that appears is known after the next fetch', async () => {
  const pgo = house.makePgo('nieuw.localhost', house.certificates.pgo)
  const ask = async () => (await house.journey('huisartsdeduinen', { pgo }).open()).page.status
  assert.equal(await ask(), 400)
  house.publishLists({ clients: [...house.listFacts.clients, { host: 'nieuw.localhost', name: 'Nieuw PGO' }] })
  house.sluis.signal('SIGHUP')
  await until('the new client', async () => (await ask()) === 200)
})

check('7.5 lists: older than the maximum they fail closed: no page, no token, not ready; and all is well after a fetch', async () => {
  const { tokens } = await house.collect('huisartsdeduinen', { indefinite: true })
  const names = ['MedMij_Zorgaanbiederslijst', 'MedMij_OAuthclientlist', 'MedMij_Gegevensdienstnamenlijst', 'MedMij_Whitelist']
  for (const name of names) renameSync(house.file(`${name}.xml`), house.file(`${name}.away`))
  house.setClock(86400 + 3600)
  try {
    house.sluis.signal('SIGHUP')
    await until('not ready', async () => (await internal('/readyz')).status === 503)
    assert.equal((await internal('/healthz')).status, 200)
    const journey = await house.journey('huisartsdeduinen').open()
    assert.equal(journey.back, undefined)
    assertTechnicalFailure(journey, { status: 503 })
    assertPage(journey.page, 503, journey.request.requestId, journey.request.correlationId)
    const answer = await house.pgo.rawRefresh(tokens.refresh_token)
    assert.equal(answer.status, 503)
    assert.equal(answer.json?.access_token, undefined)
  } finally {
    for (const name of names) renameSync(house.file(`${name}.away`), house.file(`${name}.xml`))
    house.setClock(0)
    house.sluis.signal('SIGHUP')
  }
  await until('ready again', async () => (await internal('/readyz')).status === 200)
  assert.ok((await house.pgo.refresh(tokens.refresh_token)).access_token)
})

check('7.5 lists: the last good copies are kept between starts', async () => {
  await house.sluis.stop()
  const names = ['MedMij_Zorgaanbiederslijst', 'MedMij_OAuthclientlist', 'MedMij_Gegevensdienstnamenlijst', 'MedMij_Whitelist']
  for (const name of names) renameSync(house.file(`${name}.xml`), house.file(`${name}.away`))
  try {
    await house.sluis.start()
    assert.ok((await house.collect()).tokens.access_token)
  } finally {
    for (const name of names) renameSync(house.file(`${name}.away`), house.file(`${name}.xml`))
  }
})

test('7.5 lists: without any copy the server is up but not ready', { timeout: 240000 }, async () => {
  const bare = new House('no-lists')
  try {
    await bare.build()
    for (const name of ['MedMij_OAuthclientlist', 'MedMij_Whitelist']) rmSync(bare.file(`${name}.xml`))
    await bare.start({ isReadyExpected: false })
    assert.equal((await exchange(`${bare.internalUrl}/readyz`)).status, 503)
    const journey = await bare.journey('huisartsdeduinen').open()
    assertTechnicalFailure(journey, { status: 503 })
    assert.equal((await bare.pgo.rawRefresh('x')).status, 503)
  } finally {
    await bare.stop()
  }
})

// ---- proxies ----

test('3.14 a trusted proxy passes the verified certificate on; nobody else can', { timeout: 240000 }, async () => {
  const behind = await startHouse('proxy', {
    conf: (h) => ({
      token_base_url: `https://token.localhost:${h.ports.back}`,
      back: { certificate: null, key: null },
      proxies: { trusted: ['127.0.0.2'], client_certificate_header: 'Client-Cert' },
    }),
  })
  try {
    const der = (certificate) => `:${certificate.cert.toString().replace(/-----[^-]+-----|\s/g, '')}:`
    const call = (journey, headers, localAddress) => exchange(`http://127.0.0.1:${behind.ports.back}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams(behind.pgo.codeFields(journey.request, journey.answer.code)).toString(),
      headers: {
        'Content-Type': 'application/x-www-form-urlencoded', 'MedMij-Request-ID': journey.request.requestId, 'X-Correlation-ID': journey.request.correlationId, ...headers,
      },
      tls: { localAddress },
    })
    const withCode = async () => (await behind.login('huisartsdeduinen')).give()
    assert.equal((await call(await withCode(), { 'Client-Cert': der(behind.certificates.pgo) }, '127.0.0.2')).status, 200)
    assert.equal((await call(await withCode(), { 'Client-Cert': der(behind.certificates.pgo) }, '127.0.0.1')).status, 401, 'from an address that is no trusted proxy')
    assert.equal((await call(await withCode(), { 'Client-Cert': der(behind.certificates.other) }, '127.0.0.2')).status, 401, 'the certificate of another')
    assert.equal((await call(await withCode(), {}, '127.0.0.2')).status, 401, 'no certificate')
    assert.equal((await call(await withCode(), { 'Client-Cert': 'x' }, '127.0.0.2')).status, 401, 'no certificate at all')
    assert.equal((await call(await withCode(), { 'Client-Cert': [der(behind.certificates.pgo), der(behind.certificates.other)] }, '127.0.0.2')).status, 401, 'two of them')
    const pem = encodeURIComponent(behind.certificates.pgo.cert.toString())
    assert.equal((await call(await withCode(), { 'Client-Cert': pem }, '127.0.0.2')).status, 200, 'PEM in URL encoding')
  } finally {
    await behind.stop()
  }
})

// ---- the end ----

test('SIGTERM lets requests in flight finish, takes no new ones, and ends with 0', { timeout: 240000 }, async () => {
  const short = await startHouse('drain')
  let slow
  try {
    short.webhook.answer = ({ body }) => ({ ...answers.all()({ body }), delayMs: 1000 })
    const journey = await short.journey('kliniekdewebhaak').open()
    const callback = await journey.loginUntilCallback()
    slow = journey.browser.get(callback)
    await until('the question to the webhook', () => short.webhook.questions.length > 0)
    short.sluis.signal('SIGTERM')
    const answer = await slow
    assert.equal(answer.status, 303, 'the request in flight got its answer')
    await until('the end', () => short.sluis.exit !== undefined)
    assert.deepEqual(short.sluis.exit, { code: 0, signal: null })
    await assert.rejects(exchange(short.frontUrl))
  } finally {
    await slow?.catch(() => {})
    await short.stop()
  }
})

// ---- subcommands ----

check('sluis check finds the identity provider that is away, nothing else, and names a fault by file and key', async () => {
  const good = await house.sluis.run('check', '--config', house.file('sluis.yaml'))
  const faults = good.stdout.split('\n').filter((line) => line.startsWith('fault'))
  assert.equal(faults.length, 1, good.stdout + good.stderr)
  assert.match(faults[0], /identity provider ander: .*unreachable/)
  assert.notEqual(good.status, 0)
  const file = house.file('kapot.yaml')
  copyFileSync(house.file('sluis.yaml'), file)
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^base_url:.*$/m, 'base_url: "ftp://x"'))
  const bad = await house.sluis.run('check', '--config', file)
  assert.notEqual(bad.status, 0)
  assert.match(bad.stdout + bad.stderr, /kapot\.yaml:\d+.*base_url/)
})

check('sluis import: a fault names file and line, and nothing is taken over', async () => {
  const file = house.file('fout.yaml')
  writeFileSync(file, readFileSync(house.file('catalogue.yaml'), 'utf8').replace('Ziekenhuis De Meerpaal', 'Andere Naam').replace('function: "share"', 'function: "delen"'))
  const result = await house.sluis.run('import', file, '--config', house.file('sluis.yaml'))
  assert.notEqual(result.status, 0)
  assert.match(result.stdout + result.stderr, /fout\.yaml:\d+/)
  assert.equal(house.store.query(`SELECT count(*) FROM provider WHERE display_name = 'Andere Naam'`).trim(), '0')
})

check('sluis import --dry-run changes nothing; import twice changes nothing the second time; export gives the same back', async () => {
  const version = () => house.store.query('SELECT version FROM catalog_version').trim()
  const earlier = version()
  await house.cli('import', house.file('catalogue.yaml'), '--dry-run')
  await house.cli('import', house.file('catalogue.yaml'))
  assert.equal(version(), earlier)
  const exported = await house.cli('export')
  writeFileSync(house.file('exported.yaml'), exported)
  await house.cli('import', house.file('exported.yaml'))
  assert.equal(version(), earlier, 'what was exported is what is there')
})

check('sluis audit verify: the chain is intact, and a change is found', async () => {
  await house.cli('audit', 'verify')
  const column = house.store.query('SELECT details FROM audit ORDER BY number LIMIT 1').trim()
  house.store.execute(`UPDATE audit SET details = 'veranderd' WHERE number = 1`)
  const broken = await house.sluis.run('audit', 'verify', '--config', house.file('sluis.yaml'))
  assert.notEqual(broken.status, 0)
  house.store.execute(`UPDATE audit SET details = '${column.replace(/'/g, "''")}' WHERE number = 1`)
  await house.cli('audit', 'verify')
})

test('every subcommand has --help, and an unknown one is refused', { timeout: 240000 }, async () => {
  for (const name of ['serve', 'check', 'migrate', 'import', 'export', 'keys', 'consent', 'audit', 'lists', 'version']) {
    const result = await house.sluis.run(name, '--help')
    assert.equal(result.status, 0, `${name}: ${result.stderr}`)
    assert.match(result.stdout + result.stderr, new RegExp(name))
  }
  assert.notEqual((await house.sluis.run('bestaatniet')).status, 0)
})

test('a server does not start on a store that it cannot use, and says why', { timeout: 240000 }, async () => {
  const words = isPostgres ? 'postgresql://127.0.0.1:1/nee' : `sqlite:${house.file('nergens/sluis.db')}`
  const file = house.file('storeloos.yaml')
  writeFileSync(file, readFileSync(house.file('sluis.yaml'), 'utf8').replace(/(\n {2}url: ).*/, `$1${JSON.stringify(words)}`))
  const child = spawn(house.sluis.binary, ['serve', '--config', file], { stdio: ['ignore', 'ignore', 'pipe'] })
  let text = ''
  child.stderr.on('data', (piece) => { text += piece })
  const timer = setTimeout(() => child.kill('SIGKILL'), 60000)
  const code = await new Promise((resolve) => child.once('exit', resolve))
  clearTimeout(timer)
  assert.ok(code > 0, `status ${code}`)
  assert.ok(text.length > 0)
})
