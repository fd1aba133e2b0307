// `sluis consent` over a register that a running server fills: what a helpdesk sees, and that a withdrawal works at once.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { DAAN, House, JOOST, SANNE } from './harness.mjs'

let house, given, refused

function consent(words, input = '') {
  return new Promise((resolve) => {
    const { binary, folder } = house.sluis
    const child = execFile(binary, ['consent', ...words, '--config', 'sluis.yaml'], { cwd: folder, timeout: 120000, env: house.sluis.environment },
      (error, stdout, stderr) => resolve({ status: error ? error.code ?? error.signal : 0, stdout, stderr }))
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

async function listed(words, input) {
  const result = await consent(['list', '--json', ...words], input)
  assert.equal(result.status, 0, result.stderr)
  return result.stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line))
}

before(async () => {
  house = new House('consent-register')
  await house.build()
  house.writeCatalogue((catalogue) => {
    catalogue.providers[0].display_name = 'Praktijk é & Zn'
    return catalogue
  })
  await house.cli('import', house.file('catalogue.yaml'))
  await house.start()
  given = await house.collect('huisartsdeduinen', { indefinite: true })
  refused = await house.login('ziekenhuisdemeerpaal')
  await refused.refuse()
})

after(() => house?.stop())

test('the table has one line for each statement, newest first, and never who made it', async () => {
  const { stdout, status } = await consent(['list'])
  assert.equal(status, 0)
  const lines = stdout.trim().split('\n')
  assert.match(lines[0], /^ID +STATED AT +STATE +PROVIDER +CLIENT +FUNCTION +SERVICES +INDEFINITE +LAST USED$/)
  assert.match(lines[1], /^[0-9a-f-]{36} {2}\S+ \S+Z {2}refused +ziekenhuisdemeerpaal +pgo\.localhost +collect +- +no +-$/)
  assert.match(lines[2], /^[0-9a-f-]{36} {2}\S+ \S+Z {2}given +huisartsdeduinen +pgo\.localhost +collect +48 49 51 63 +yes +\S+ \S+Z$/)
  assert.equal(lines.length, 3)
  assert.ok(!stdout.includes(SANNE))
})

test('filters find by person, provider, PGO and what is in force, page by page', async () => {
  assert.equal((await listed(['--person'], `${SANNE}\n`)).length, 2)
  assert.equal((await listed(['--person'], JOOST)).length, 0)
  writeFileSync(house.file('person'), DAAN)
  assert.equal((await listed(['--person-file', 'person'])).length, 0)
  assert.deepEqual((await listed(['--provider', 'huisartsdeduinen'])).map(({ state }) => state), ['given'])
  assert.deepEqual((await listed(['--active'])).map(({ provider }) => provider), ['huisartsdeduinen'])
  assert.equal((await listed(['--client', 'ander.localhost'])).length, 0)
  const [first] = await listed(['--limit', '1'])
  const [second] = await listed(['--limit', '1', '--before', first.id])
  assert.equal(second.provider, 'huisartsdeduinen')
  assert.match((await consent(['list', '--limit', '1'])).stdout, new RegExp(`there may be more: --before ${first.id}$`, 'm'))
})

test('show prints all that was recorded, except the person', async () => {
  const [{ id }] = await listed(['--provider', 'huisartsdeduinen'])
  const { stdout } = await consent(['show', id])
  assert.match(stdout, /^provider +huisartsdeduinen \(shown as: Praktijk é & Zn\)$/m)
  assert.match(stdout, /^client +pgo\.localhost \(shown as: Mijn PGO & Zo\)$/m)
  assert.match(stdout, /^service shown +48 Basisgegevens Zorg$/m)
  assert.match(stdout, /^text version +je-2\.2\/consent_collect$/m)
  assert.match(stdout, /^text hash +[0-9a-f]{64}$/m)
  assert.match(stdout, new RegExp(`^trace id +${given.request.requestId}$`, 'm'))
  assert.ok(!stdout.includes(SANNE))
  const facts = JSON.parse((await consent(['show', id, '--json'])).stdout)
  assert.deepEqual(facts.services_shown, ['48', '49', '51', '63'])
  assert.equal(facts.service_names.length, 4)
  assert.equal(facts.indefinite, true)
  assert.ok(!JSON.stringify(facts).includes(SANNE))
})

test('a name that would colour or move the terminal of whoever reads it is shown harmless', async () => {
  const [{ id }] = await listed(['--provider', 'huisartsdeduinen'])
  house.store.execute(`UPDATE consent SET client_name = 'PGO\u001b[31mrood' WHERE id = '${id}'`)
  const { stdout } = await consent(['show', id])
  assert.ok(!stdout.includes('\u001b'))
  assert.match(stdout, /PGO\?\[31mrood/)
})

test('withdrawing ends the tokens at once, is told who did it, and changes nothing the second time', async () => {
  const [{ id }] = await listed(['--active'])
  assert.equal((await house.introspect(given.tokens.access_token)).active, true)
  const first = await consent(['withdraw', id])
  assert.equal(first.status, 0, first.stderr)
  assert.match(first.stdout, /^withdrawn: /)
  assert.equal((await house.introspect(given.tokens.access_token)).active, false)
  assert.match((await consent(['withdraw', id])).stdout, /^already withdrawn at .*Z by helpdesk:\w+$/m)
  assert.match((await consent(['show', id])).stdout, /^state +withdrawn$/m)
  assert.equal((await listed(['--active'])).length, 0)
  const entries = (await house.cli('audit', 'list', '--json')).trim().split('\n').map((line) => JSON.parse(line))
  assert.ok(entries.some(({ action, subject }) => action === 'consent_withdraw' && subject === id))
  assert.ok(!JSON.stringify(entries).includes(SANNE))
})

test('a refusal cannot be withdrawn', async () => {
  const [{ id }] = await listed(['--provider', 'ziekenhuisdemeerpaal'])
  const result = await consent(['withdraw', id])
  assert.equal(result.status, 1)
  assert.match(result.stderr, /this is a refusal/)
})
