// The professional's door from the command line: business data in and out, and what a helpdesk does all day with
// connections, groups, mappings, the numbered log, users and sessions.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { makeStore } from './support/stores.mjs'
import { toYaml } from './support/yaml.mjs'

const tests = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const root = path.dirname(tests)
const binary = process.env.SLUIS_BIN ?? path.join(root, 'build-san', 'sluis')
const folder = path.join(tests, 'artefacts', 'houses', `cli-sso-${process.pid}`)
const file = (name) => path.join(folder, name)
const SECRET = 'geheim-van-de-koppeling /+=%&:'
const SECOND = 'tweede-geheim-4711'
const KEY = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'
const SLUG = 'zonnestraaltjes_ysis'
const USER = '019ab000-0000-7000-8000-000000000001'
const REFERENCE = 'SSO-20261121-7K3F9QXA'

let store

function run(words, { input = '' } = {}) {
  return new Promise((resolve, reject) => {
    const child = execFile(binary, words, { cwd: folder, timeout: 120000, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (/Sanitizer|runtime error:/.test(stderr)) return reject(new Error(`sluis ${words.join(' ')}: ${stderr}`))
      return resolve({ status: error ? error.code ?? error.signal : 0, stdout, stderr })
    })
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

// A config option behind "--" would be an argument.
const sluis = (...words) => run(words.includes('--') ? words.toSpliced(words.indexOf('--'), 0, '--config', 'sluis.yaml') : [...words, '--config', 'sluis.yaml'])

async function must(...words) {
  const result = await sluis(...words)
  assert.equal(result.status, 0, `sluis ${words.join(' ')}: ${result.stdout}${result.stderr}`)
  return result.stdout
}

async function mustFail(expected, ...words) {
  const result = await sluis(...words)
  assert.equal(result.status, 1, `sluis ${words.join(' ')}: ${result.stdout}${result.stderr}`)
  assert.match(result.stderr, expected)
  return result
}

const host = (environment) => ({
  name: `${environment}.localhost:25200`, platform: 'secure', environment, base_url: `http://${environment}.localhost:25200`,
})

const data = () => ({
  hosts: [host('production'), host('acceptance')],
  views: [
    { name: 'default', path: '/' },
    { name: 'status', path: '/status/{patient}', needs_patient: true, permission: 'status.read' },
  ],
  ceilings: [{ customer_key: 'zonnestraaltjes', name: 'Zorgplein', permissions: ['status.read', 'order.write'] }],
  security_groups: [
    { customer_key: 'zonnestraaltjes', name: 'Verpleging', permissions: ['status.read', 'order.write@oost'] },
    { customer_key: 'zonnestraaltjes', name: 'Leeg' },
    { customer_key: 'anders', name: 'Artsen', permissions: ['status.read'] },
  ],
  connections: [
    {
      platform: 'secure', environment: 'production', customer_key: 'zonnestraaltjes', provider_key: 'ysis', status: 'active', preset: 'ysis',
      issuer: 'https://zonnestraaltjes.ysis.example/cas/oidc', client_id: 'medicatie-rp', client_secret: SECRET, second_secret: SECOND,
      second_secret_expires: '2099-05-01', ceiling: 'Zorgplein', notify_address: 'fab@zonnestraaltjes.example',
      patient_keys: [{ id: 'ctx-1', key: KEY }],
    },
    { platform: 'secure', environment: 'acceptance', customer_key: 'zonnestraaltjes', provider_key: 'ysis', status: 'active' },
  ],
  mappings: [{
    connection: SLUG, environment: 'production',
    codes: [{ code: '1201', name: 'Huis Oost', group: 'Verpleging' }, { code: '1377' }, { code: '=cmd()', status: 'ignored' }],
  }],
})

function writeData(change = (all) => all, name = 'data.yaml') {
  const all = data()
  change(all)
  writeFileSync(file(name), toYaml(all))
}

before(async () => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  store = makeStore(folder)
  const list = (name) => ({ location: `${name}.xml` })
  writeFileSync(file('sluis.yaml'), toYaml({
    development: true, node: 'test-1', base_url: 'http://localhost:25201', token_base_url: 'https://localhost:25202',
    web_directory: path.join(root, 'web'), event_log_file: 'events.jsonl',
    back: { address: '127.0.0.1:25202', certificate: 'back.crt', key: 'back.key', client_ca: 'ca.crt' },
    store: { url: store.url }, keys: { file: 'keys' }, dva: { name: 'Voorbeeld DVA', phone: '088 123 45 67' },
    lists: {
      providers: list('MedMij_Zorgaanbiederslijst'), clients: list('MedMij_OAuthclientlist'),
      service_names: list('MedMij_Gegevensdienstnamenlijst'), whitelist: list('MedMij_Whitelist'),
    },
  }))
  await must('keys', 'create')
  await must('migrate')
})

after(async () => {
  await store?.drop?.()
})

const COMMANDS = [
  ['sso', 'connections', 'list'], ['sso', 'connections', 'show'], ['sso', 'groups', 'list'], ['sso', 'groups', 'show'],
  ['sso', 'mappings', 'list'], ['sso', 'mappings', 'link'], ['sso', 'mappings', 'unlink'], ['sso', 'mappings', 'ignore'],
  ['sso', 'log', 'list'], ['sso', 'log', 'show'], ['sso', 'log', 'export'], ['sso', 'users', 'list'], ['sso', 'users', 'block'],
  ['sso', 'users', 'unblock'], ['sso', 'users', 'unlink'], ['sso', 'sessions', 'end'],
]

describe('help and wrong use', () => {
  for (const words of COMMANDS) {
    test(`sluis ${words.join(' ')} --help tells its use, and the manual page has it`, async () => {
      const help = await run([...words, '--help'])
      assert.equal(help.status, 0)
      assert.match(help.stdout, new RegExp(`^usage: sluis ${words.join(' ')} `))
      for (const line of help.stdout.split('\n')) assert.ok(line.length <= 80, line)
      const wrong = await run([...words, '--no-such-option'])
      assert.equal(wrong.status, 2)
      assert.match(wrong.stderr, /--no-such-option.*--help/)
      const page = readFileSync(path.join(root, 'docs', 'man', 'sluis.1.md'), 'utf8')
      assert.match(page, new RegExp(`^## sluis sso ${words[1]} .*${words[2]}`, 'm'))
      for (const [, option] of help.stdout.matchAll(/^ +(?:-\w, )?(--[\w-]+)/gm)) assert.ok(page.includes(`\`${option}\``), option)
      const group = await run([...words.slice(0, 2), '--help'])
      assert.match(group.stdout, new RegExp(`^  ${words[2]} `, 'm'))
    })
  }

  test('missing and wrong arguments end with status 2 and say where to look', async () => {
    for (const words of [['sso'], ['sso', 'nope'], ['sso', 'log'], ['sso', 'connections', 'show'], ['sso', 'groups', 'show', 'x'],
      ['sso', 'mappings', 'list'], ['sso', 'mappings', 'list', SLUG, '--csv', '--json'], ['sso', 'mappings', 'list', SLUG, '--status', 'weg'],
      ['sso', 'mappings', 'list', SLUG, '--new', '--status', 'new'], ['sso', 'mappings', 'link', SLUG], ['sso', 'mappings', 'link', SLUG, '1'],
      ['sso', 'mappings', 'ignore', SLUG, '1', '2', '--version', '1'], ['sso', 'mappings', 'ignore', SLUG, '1', '--version', '0'],
      ['sso', 'mappings', 'ignore', SLUG, 'a\tb'], ['sso', 'log', 'list', '--code', 'x'], ['sso', 'log', 'list', '--code', '701cc'], ['sso', 'log', 'list', '--code', '701C'], ['sso', 'log', 'list', '--from', '2026-02-30'],
      ['sso', 'log', 'list', '--to', '2026-11-21T24:00:00Z'], ['sso', 'log', 'list', '--limit', '1001'], ['sso', 'log', 'list', '--environment', 'acceptance'],
      ['sso', 'log', 'show', 'x'], ['sso', 'users', 'block', 'jan'], ['sso', 'sessions', 'end'], ['sso', 'sessions', 'end', '--user', 'jan'],
      ['sso', 'sessions', 'end', '--group', 'a', '--user', USER], ['sso', 'sessions', 'end', '--group', ''], ['sso', 'sessions', 'end', '--code', '1'],
      ['sso', 'sessions', 'end', '--customer', 'a', '--user', USER], ['sso', 'sessions', 'end', '--group', 'a', '--connection', SLUG],
      ['sso', 'sessions', 'end', '--user', USER, '-e', 'production'], ['sso', 'users', 'unlink', 'jan'],
      ['export', '--only', 'nothing'], ['export', '--environment', 'test']]) {
      const result = await run(words)
      assert.equal(result.status, 2, words.join(' '))
      assert.match(result.stderr, /--help/, words.join(' '))
      assert.equal(result.stdout, '')
    }
  })
})

describe('import and export', () => {
  test('a dry run changes nothing, an import tells what it did and what is incomplete, and doing it again changes nothing', async () => {
    writeData()
    const dry = await must('import', 'data.yaml', '--dry-run')
    assert.match(dry, /^added +connection zonnestraaltjes_ysis \(secure, production\)$/m)
    assert.match(dry, /^added +code 1201 of zonnestraaltjes_ysis \(secure, production\): linked to Verpleging$/m)
    assert.match(dry, /13 added, 0 changed, 0 unchanged, 0 removed; this was a dry run/)
    assert.doesNotMatch(await must('export'), /zonnestraaltjes/)
    const real = await must('import', 'data.yaml')
    assert.match(real, /^incomplete connection zonnestraaltjes_ysis \(secure, acceptance\): no issuer, client_id, client_secret, location_claim; .*103$/m)
    assert.match(real, /13 added, 0 changed, 0 unchanged, 0 removed$/m)
    assert.match(await must('import', 'data.yaml'), /0 added, 0 changed, 13 unchanged, 0 removed$/m)
    assert.ok(!(dry + real).includes(SECRET))
    const bytes = store.bytes()
    for (const secret of [SECRET, SECOND, KEY]) assert.equal(bytes.includes(Buffer.from(secret)), false)
    assert.equal(bytes.includes(Buffer.from(KEY, 'hex')), false)
  })

  test('an export reads back without a change, with secrets and without', async () => {
    const open = await must('export')
    assert.ok(!open.includes(SECRET) && !open.includes(SECOND))
    assert.match(open, /id: "ctx-1"/)
    writeFileSync(file('open.yaml'), open)
    assert.match(await must('import', 'open.yaml', '--prune'), /0 added, 0 changed, 13 unchanged, 0 removed$/m)
    const secret = await must('export', '--with-secrets')
    assert.ok(secret.includes(SECRET) && secret.includes(SECOND))
    writeFileSync(file('secret.yaml'), secret)
    assert.match(await must('import', 'secret.yaml', '--prune'), /0 added, 0 changed, 13 unchanged, 0 removed$/m)
    assert.equal(await must('export', '--with-secrets'), secret)
  })

  test('a secret is taken away by an empty text, and the second moves up', async () => {
    writeData((all) => {
      all.connections[0].client_secret = ''
      delete all.connections[0].second_secret
    })
    assert.match(await must('import', 'data.yaml'), /^changed +connection zonnestraaltjes_ysis \(secure, production\)$/m)
    const text = await must('export', '--with-secrets', '--only', 'connections')
    assert.match(text, new RegExp(`client_secret: "${SECOND}"`))
    assert.match(text, /client_secret_expires: "2099-05-01"/)
    assert.doesNotMatch(text, /second_secret/)
    writeData()
    await must('import', 'data.yaml')
  })

  test('all faults come with file, line and column, and nothing is imported', async () => {
    const untouched = await must('export', '--with-secrets')
    writeData((all) => {
      all.security_groups.push({ customer_key: 'zonnestraaltjes', name: 'Nieuw', permissions: ['a b'] })
      all.connections[0].provider_key = 'y_sis'
      all.views[1].path = '//evil.example'
      all.mappings[0].codes[0].group = 'Artsen'
    })
    const { stderr, stdout } = await mustFail(/faults; nothing was imported/, 'import', 'data.yaml')
    assert.equal(stdout, '')
    const lines = readFileSync(file('data.yaml'), 'utf8').split('\n')
    for (const [word, key] of [['"a b"', 'security_groups\\[3\\]\\.permissions\\[0\\]: '], ['"y_sis"', 'connections\\[0\\]\\.provider_key: '],
      ['//evil', 'views\\[1\\]\\.path: '], ['group: "Artsen"', 'mappings\\[0\\]\\.codes\\[0\\]\\.group: ']]) {
      const line = lines.findIndex((text) => text.includes(word)) + 1
      assert.match(stderr, new RegExp(`data\\.yaml:${line}:\\d+: ${key}`))
    }
    assert.equal(await must('export', '--with-secrets'), untouched)
    assert.ok(!stderr.includes(SECRET))
  })

  test('USR-2: nobody is linked by name, login name or mail address', async () => {
    const claims = ['email', 'name', 'preferred_username', 'roepnaam', 'wie', 'upn', 'unique_name', 'mail', 'emailAddress',
      'userPrincipalName', 'samAccountName', 'login', 'logonId', 'account.upn']
    for (const claim of claims) {
      writeData((all) => Object.assign(all.connections[0], { name_claim: 'wie', link_claim: claim }))
      await mustFail(/connections\[0\]\.link_claim: nobody is linked by name, login name or mail address/, 'import', 'data.yaml')
    }
    writeData((all) => { all.connections[0].link_claim = 'personeelsnummer' })
    await must('import', 'data.yaml')
    assert.match(await must('export', '--only', 'connections'), /link_claim: "personeelsnummer"/)
    writeData()
    await must('import', 'data.yaml')
  })

  test('a file of one door with --prune leaves the other door alone', async () => {
    writeData((all) => { all.security_groups.pop() })
    const told = await must('import', 'data.yaml', '--prune')
    assert.match(told, /^removed +security group Artsen of anders$/m)
    writeFileSync(file('patient.yaml'), toYaml({ identity_providers: [{ id: 'digid', label: 'DigiD', issuer: 'https://digid.example', client_id: 'a', bsn_claim: 'bsn' }] }))
    assert.match(await must('import', 'patient.yaml', '--prune'), /1 added, 0 changed, 0 unchanged, 0 removed$/m)
    assert.match(await must('import', 'data.yaml', '--prune'), /0 added, 0 changed, \d+ unchanged, 0 removed$/m)
    assert.match(await must('export', '--only', 'identity_providers'), /digid/)
  })

  test('mappings go from one environment to the other (MAP-10)', async () => {
    const text = await must('export', '--only', 'mappings', '--environment', 'production')
    assert.doesNotMatch(text, /connections:|hosts:/)
    writeFileSync(file('mappings.yaml'), text.replace('"production"', '"acceptance"'))
    const dry = await must('import', 'mappings.yaml', '--dry-run')
    assert.match(dry, /^added +code 1201 of zonnestraaltjes_ysis \(secure, acceptance\): linked to Verpleging$/m)
    assert.match(await must('sso', 'mappings', 'list', SLUG, '-e', 'acceptance'), /^CODE .*\n$/)
    assert.match(await must('import', 'mappings.yaml'), /3 added, 0 changed, 0 unchanged, 0 removed$/m)
    assert.match(await must('import', 'mappings.yaml'), /0 added, 0 changed, 3 unchanged, 0 removed$/m)
    assert.match(await must('sso', 'mappings', 'list', SLUG, '-e', 'acceptance'), /^1201 +Huis Oost +linked +Verpleging/m)
  })

  test('an import that the store fails half-way leaves nothing of either door and no mapping, and says so (MAP-10)', async () => {
    const codes = Array.from({ length: 120 }, (_, i) => ({ code: `half-${i}`, group: 'Verpleging', ...(i === 0 || i === 119 ? { name: 'one only' } : {}) }))
    writeFileSync(file('half.yaml'), toYaml({
      identity_providers: [{ id: 'half', label: 'Half', issuer: 'https://half.example', client_id: 'half', client_secret: 'geheim', bsn_claim: 'bsn' }],
      hosts: [{ name: 'half.example', platform: 'secure', environment: 'acceptance', base_url: 'https://half.example' }],
      mappings: [{ connection: SLUG, environment: 'acceptance', codes }],
    }))
    const before = await must('export')
    const audited = await must('audit', 'list', '--json')
    store.execute("CREATE UNIQUE INDEX one_only ON sso_mapping (name) WHERE name = 'one only'")
    const failed = await mustFail(/half\.yaml: the store failed; see the log; nothing was imported$/m, 'import', 'half.yaml')
    assert.equal(failed.stdout, '')
    assert.equal(await must('export'), before)
    assert.equal(await must('audit', 'list', '--json'), audited)
    store.execute('DROP INDEX one_only')
    assert.match(await must('import', 'half.yaml'), /122 added, 0 changed, 0 unchanged, 0 removed$/m)
    assert.match(await must('import', 'half.yaml'), /0 added, 0 changed, 122 unchanged, 0 removed$/m)
    store.execute("DELETE FROM sso_mapping WHERE code LIKE 'half-%'")
    writeFileSync(file('before.yaml'), before)
    await must('import', 'before.yaml', '--prune')
  })
})

describe('connections and groups', () => {
  test('are listed in aligned columns', async () => {
    const table = await must('sso', 'connections', 'list')
    assert.match(table, /^CONNECTION +ENVIRONMENT +PLATFORM +STATUS +NEW CODES +SECRET EXPIRES +LAST LOGIN$/m)
    assert.match(table, /^zonnestraaltjes_ysis +production +secure +active +1 +2099-05-01 +-$/m)
    assert.match(table, /^zonnestraaltjes_ysis +acceptance +secure +active, incomplete +1 +- +-$/m)
    const starts = table.split('\n').filter(Boolean).map((line) => line.search(/secure|PLATFORM/))
    assert.equal(new Set(starts).size, 1)
    assert.doesNotMatch(await must('sso', 'connections', 'list', '-e', 'acceptance'), /production/)
    const groups = await must('sso', 'groups', 'list')
    assert.match(groups, /^zonnestraaltjes +Verpleging +yes +2 +2/m)
    assert.match(groups, /^zonnestraaltjes +Leeg +yes +0 +0/m)
    assert.equal((await must('sso', 'groups', 'list', '--customer', 'niemand')).trim().split('\n').length, 1)
  })

  test('are shown with their URLs and without their secrets', async () => {
    const shown = await must('sso', 'connections', 'show', SLUG, '--environment', 'production')
    assert.match(shown, /^start URL +http:\/\/production\.localhost:25200\/sso\/openidconnect\/zonnestraaltjes_ysis$/m)
    assert.match(shown, /^redirect URI +http:\/\/production\.localhost:25200\/sso\/openidconnect\/zonnestraaltjes_ysis$/m)
    assert.match(shown, /^client secret +set \d{4}-/m)
    assert.match(shown, /^second secret +set .*expires 2099-05-01$/m)
    assert.match(shown, /^codes +1 linked, 1 new, 1 ignored, 0 inactive$/m)
    for (const secret of [SECRET, SECOND, KEY]) assert.ok(!shown.includes(secret))
    await mustFail(/there are 2 connections zonnestraaltjes_ysis; add --environment/, 'sso', 'connections', 'show', SLUG)
    await mustFail(/there is no such connection: niets_ysis; .*connections list/, 'sso', 'connections', 'show', 'niets_ysis')
    const group = await must('sso', 'groups', 'show', 'zonnestraaltjes', 'Verpleging')
    assert.match(group, /^permission +order\.write +department oost$/m)
    assert.match(group, /^permission +status\.read +all departments$/m)
    assert.match(group, /^code +1201 +zonnestraaltjes_ysis \(production\)$/m)
    await mustFail(/customer zonnestraaltjes has no group Artsen/, 'sso', 'groups', 'show', 'zonnestraaltjes', 'Artsen')
  })
})

describe('mappings', () => {
  const production = [SLUG, '-e', 'production']
  const row = async (code) => (await must('sso', 'mappings', 'list', ...production, '--json')).trim().split('\n').map((line) => JSON.parse(line))
    .find((item) => item.code === code)

  test('the documented routine: find the new code, link it, done', async () => {
    const fresh = await must('sso', 'mappings', 'list', ...production, '--new')
    assert.match(fresh, /^1377 +- +new +- /m)
    assert.doesNotMatch(fresh, /^1201 /m)
    assert.match(await must('sso', 'mappings', 'link', ...production, '1377', '--group', 'Verpleging'), /^1377 is linked to Verpleging \(was not linked\)$/m)
    assert.match(await must('sso', 'mappings', 'link', ...production, '1377', '--group', 'Verpleging'), /^1377 was linked to Verpleging already$/m)
    assert.equal((await row('1377')).group, 'Verpleging')
    assert.match(await must('sso', 'mappings', 'unlink', ...production, '1377'), /^1377 is not linked \(was linked to Verpleging\)$/m)
    assert.match(await must('sso', 'mappings', 'ignore', ...production, '1377'), /^1377 is ignored/m)
    assert.doesNotMatch(await must('sso', 'mappings', 'list', ...production, '--new'), /^1377 /m)
    const trail = await must('audit', 'list', '--limit', '1000')
    assert.equal(trail.match(/mapping_change +\S+\/1377 +(linked to Verpleging|unlinked|ignored)$/gm).length, 3)
  })

  test('a group of another customer, one that is not there, and one without permissions', async () => {
    await mustFail(/customer zonnestraaltjes has no group Artsen/, 'sso', 'mappings', 'link', ...production, '1377', '--group', 'Artsen')
    assert.equal((await row('1377')).status, 'ignored')
    const result = await sluis('sso', 'mappings', 'link', ...production, '1377', '--group', 'Leeg')
    assert.equal(result.status, 0)
    assert.match(result.stderr, /group Leeg has no permissions: .*702/)
  })

  test('a code that was never received is linked only on request', async () => {
    await mustFail(/code 9999 was never received .*--add/, 'sso', 'mappings', 'link', ...production, '9999', '--group', 'Verpleging')
    assert.match(await must('sso', 'mappings', 'link', ...production, '9999', '--group', 'Verpleging', '--add'), /^9999 is linked to Verpleging$/m)
  })

  test('two who change the same code: the second is told (C34)', async () => {
    const { version } = await row('1201')
    await must('sso', 'mappings', 'ignore', ...production, '1201', '--version', String(version))
    await mustFail(/code 1201 was changed meanwhile: it is ignored now, by cli:\w+ at .*version/, 'sso', 'mappings', 'link', ...production,
      '1201', '--group', 'Leeg', '--version', String(version))
    assert.equal((await row('1201')).status, 'ignored')
    await must('sso', 'mappings', 'link', ...production, '1201', '--group', 'Verpleging', '--version', String(version + 1))
  })

  test('CSV cells are no formulas (C33), and the export is in the audit trail', async () => {
    for (const code of ['+31', '-1', '@SUM(A1)', 'a"b,c']) await must('sso', 'mappings', 'link', ...production, '--group', 'Verpleging', '--add', '--', code)
    const csv = await must('sso', 'mappings', 'list', ...production, '--csv')
    const lines = csv.split('\r\n')
    assert.match(lines[0], /^code,name,status,group,/)
    for (const cell of [`"'=cmd()"`, `"'+31"`, `"'-1"`, `"'@SUM(A1)"`, '"a""b,c"', '"1201"']) assert.ok(lines.some((line) => line.startsWith(`${cell},`)), cell)
    for (const line of lines) assert.doesNotMatch(line, /(^|,)"?[=+@-]/)
    assert.match(await must('audit', 'list', '--limit', '1000'), /mapping_export +\S+ +8 rows$/m)
  })

  test('searching finds a part of code or name', async () => {
    const found = await must('sso', 'mappings', 'list', ...production, '--search', 'oost')
    assert.match(found, /^1201 /m)
    assert.equal(found.trim().split('\n').length, 2)
    assert.match(await must('sso', 'mappings', 'list', ...production, '--group', 'Leeg'), /^CODE[^\n]*\n1377 [^\n]*\n$/)
  })
})

describe('log, users and sessions', () => {
  const quote = (text) => `'${text.replaceAll("'", "''")}'`
  let connection

  before(async () => {
    connection = /^id +(\S+)$/m.exec(await must('sso', 'connections', 'show', SLUG, '-e', 'production'))[1]
    const steps = JSON.stringify([
      { n: 1, label: 'Startverzoek', ok: true, ms: 2, data: { view: 'status' } },
      { n: 6, label: 'Locaties (autorisatiecodes)', ok: true, data: { claim: 'locaties', received: 2 }, ids: ['1201', '1377'] },
      { n: 12, label: 'Resultaat', ok: false, data: { http: 403 } },
    ])
    const start = Date.parse('2026-11-21T18:00:00Z')
    const entry = (reference, at, result, code, cause, user) => store.execute(`INSERT INTO sso_log (reference, connection, slug, customer_key, environment,
      started_at_ms, ended_at_ms, result, code, cause, user_id, user_name, steps) VALUES (${quote(reference)}, ${quote(connection)}, '${SLUG}', 'zonnestraaltjes',
      'production', ${at}, ${at + 812}, ${quote(result)}, ${code}, ${quote(cause)}, '${USER}', ${quote(user)}, ${quote(steps)})`)
    entry(REFERENCE, start, 'geweigerd', 701, 'c', 'A. de Vries')
    entry('SSO-20261121-AAAAAAAA', start + 60000, 'geslaagd', 0, '', 'B. Bakker')
    store.execute(`INSERT INTO sso_log_location (started_at_ms, reference, ordinal, location) VALUES (${start}, '${REFERENCE}', 1, '1377')`)
    const now = Math.floor(Date.now() / 1000)
    store.execute(`INSERT INTO sso_user (id, issuer, subject, sub_raw, display_name, email, employee_number, is_blocked, created_at, last_login_at)
      VALUES ('${USER}', 'https://z.example', 'u-1001', 'u-1001', 'A. de Vries', 'a@z.example', '4711', 0, ${now}, ${now})`)
    const digest = store.url.startsWith('sqlite') ? "x'00'" : "'\\x00'"
    store.execute(`INSERT INTO sso_session (digest, user_id, connection, issuer, subject, sid, display_name, group_names, permissions, locations, landing,
      is_limited, acr, log_reference, login_at, seen_at, idle_s, expires_at, ends_at) VALUES (${digest}, '${USER}', ${quote(connection)}, 'https://z.example',
      'u-1001', '', 'A. de Vries', '', '', '', '/', 0, '', '${REFERENCE}', ${now}, ${now}, 1800, ${now + 3600}, ${now + 1800})`)
  })

  test('attempts are listed newest first, with every filter', async () => {
    const table = await must('sso', 'log', 'list')
    assert.match(table, /^REFERENCE +STARTED +RESULT +CODE +TITLE +CONNECTION +ENVIRONMENT +USER\nSSO-20261121-AAAAAAAA .*\nSSO-20261121-7K3F9QXA +2026-11-21 18:00:00Z +geweigerd +701c +Geen beveiligingsgroepen gevonden +zonnestraaltjes_ysis +production +A\. de Vries$/m)
    for (const [words, expected] of [
      [['--code', '701'], [REFERENCE]], [['--code', '701c'], [REFERENCE]], [['--code', '701d'], []], [['--user', 'vries'], [REFERENCE]], [['--location', '1377'], [REFERENCE]], [['--location', '1'], []],
      [['--connection', SLUG, '-e', 'production'], ['SSO-20261121-AAAAAAAA', REFERENCE]], [['--connection', SLUG, '-e', 'acceptance'], []],
      [['--customer', 'zonnestraaltjes', '--code', '701'], [REFERENCE]], [['--customer', 'anders'], []], [['--from', '2026-11-21T18:00:01Z'], ['SSO-20261121-AAAAAAAA']],
      [['--to', '2026-11-21T18:00:01Z'], [REFERENCE]], [['--from', '2026-11-21', '--to', '2026-11-22'], ['SSO-20261121-AAAAAAAA', REFERENCE]],
      [['--from', '2026-11-22'], []], [['--before', 'SSO-20261121-AAAAAAAA'], [REFERENCE]],
    ]) {
      const lines = (await must('sso', 'log', 'list', '--json', ...words)).trim()
      assert.deepEqual(lines === '' ? [] : lines.split('\n').map((line) => JSON.parse(line).ref), expected, words.join(' '))
    }
    assert.match(await must('sso', 'log', 'list', '--limit', '1'), /there may be more: --before SSO-20261121-AAAAAAAA/)
    assert.match(await must('sso', 'connections', 'list', '-e', 'production'), /2026-11-21 18:01:00Z geslaagd$/m)
  })

  test('one attempt is shown in its numbers: 6 has the locations; looking is audited', async () => {
    const shown = await must('sso', 'log', 'show', REFERENCE)
    assert.match(shown, /SSO-20261121-7K3F9QXA/)
    assert.match(shown, /Geen beveiligingsgroepen gevonden/)
    assert.match(shown, /^ 6 +Locaties \(autorisatiecodes\) +v .*\n +1201\n +1377$/m)
    assert.match(shown, /^ 8 +.*niet bereikt$/m)
    assert.match(shown, new RegExp(`^user id ${USER}$`, 'm'))
    const json = JSON.parse(await must('sso', 'log', 'show', REFERENCE, '--json'))
    assert.deepEqual(json.steps[1].ids, ['1201', '1377'])
    assert.equal(json.title, 'Geen beveiligingsgroepen gevonden')
    assert.equal((await must('audit', 'list', '--limit', '1000')).match(/sso_log_view +SSO-20261121-7K3F9QXA/g).length, 2)
    assert.equal(await must('sso', 'log', 'show', REFERENCE.toLowerCase()), shown) // as it is typed at a telephone
    await mustFail(/there is no login attempt SSO-20261121-ZZZZZZZZ/, 'sso', 'log', 'show', 'SSO-20261121-ZZZZZZZZ')
  })

  test('an export has all steps, one object per line', async () => {
    const entries = (await must('sso', 'log', 'export', '--code', '701')).trim().split('\n').map((line) => JSON.parse(line))
    assert.equal(entries.length, 1)
    assert.equal(entries[0].steps.length, 3)
    assert.equal(entries[0].start, '2026-11-21T18:00:00.000Z')
    assert.equal((await must('sso', 'log', 'export')).trim().split('\n').length, 2)
    assert.match(await must('audit', 'list', '--limit', '1000'), /sso_log_export/)
  })

  test('a user is found, sessions end, and a blocked one is told', async () => {
    for (const search of ['vries', 'u-1001', 'A@Z', '4711', USER]) {
      assert.match(await must('sso', 'users', 'list', '--search', search), new RegExp(`^${USER} +A\\. de Vries +4711 +u-1001 +no +\\S+ \\S+ +1 +https`, 'm'))
    }
    assert.doesNotMatch(await must('sso', 'users', 'list', '--search', 'jansen'), /Vries/)
    assert.match(await must('sso', 'sessions', 'end', '--user', USER), /^1 session ended$/m)
    assert.match(await must('sso', 'sessions', 'end', '--user', USER), /^0 sessions ended$/m)
    assert.doesNotMatch(await must('sso', 'users', 'list', '--blocked'), /Vries/)
    await must('sso', 'users', 'block', USER)
    assert.match(await must('sso', 'users', 'list', '--blocked'), /Vries.* yes /)
    await must('sso', 'users', 'unblock', USER)
    assert.match(await must('sso', 'users', 'list'), /Vries.* no /)
    const absent = '019ab000-0000-7000-8000-00000000ffff'
    await mustFail(/there is no user with id/, 'sso', 'users', 'block', absent)
    await mustFail(/there is no user with id/, 'sso', 'sessions', 'end', '--user', absent)
    await mustFail(/there is no user with id/, 'sso', 'sessions', 'end', '--user', absent, '--dry-run')
    await mustFail(/there is no user with id/, 'sso', 'users', 'unlink', absent)
    await mustFail(/there is no group Nergens/, 'sso', 'sessions', 'end', '--group', 'Nergens')
    await mustFail(/there is no group Artsen/, 'sso', 'sessions', 'end', '--group', 'Artsen', '--customer', 'zonnestraaltjes')
    assert.match(await must('sso', 'sessions', 'end', '--group', 'Leeg', '--dry-run'), /^0 sessions would end; this was a dry run/m)
    const trail = await must('audit', 'list', '--limit', '1000')
    for (const action of ['user_block', 'user_unblock', 'sessions_end']) assert.match(trail, new RegExp(`${action} +${USER}`))
    assert.match(await must('audit', 'verify'), /^intact: /)
  })
})
