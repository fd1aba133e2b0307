// Where a login lands (spec 2.14): views, patients, departments, limited sessions, the audit of patient access, and what
// the numbered log says of it afterwards.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, describe } from 'node:test'
import { Browser, exchange } from './harness.mjs'
import { assertAbsent, check } from './support/checks.mjs'
import { TEST, YSIS, openProfessionals, step } from './support/professionals.mjs'

let house
before(async () => { house = await openProfessionals('sso-landing') }, { timeout: 240000 })
after(() => house?.stop(), { timeout: 240000 })

const person = (name, ...locaties) => ({ name, locaties })
const codeOf = (login) => new URL(login.location).searchParams.get('code')
const enough = () => false // follow to the application's own page

async function facts(login) {
  assert.equal(login.landing, '/sso', `${login.status} ${login.text}`)
  const { status, json } = await house.handOver(codeOf(login))
  assert.equal(status, 200)
  return json
}

async function tell(path, fields) {
  const answer = await exchange(`${house.internalUrl}${path}`, {
    method: 'POST', body: new URLSearchParams(fields).toString(), headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  })
  return { status: answer.status, json: JSON.parse(answer.text) }
}

// The report needs the entry, which is written behind the login.
async function report(fields) {
  await house.logSettled()
  return tell('/sso/landing', fields)
}

async function events() {
  const lines = (await house.cli('audit', 'list', '--json', '--limit', '1000')).split('\n').filter(Boolean).map((line) => JSON.parse(line))
  return lines.filter(({ action }) => action === 'patient_access').map((event) => ({ ...event, details: JSON.parse(event.details) }))
}

// What one piece of work adds to the audit trail.
async function added(work) {
  const before = (await events()).length
  const result = await work()
  return { result, events: (await events()).slice(before) }
}

describe('C21: a patient', () => {
  const open = async (number, view = 'toedienen') =>
    house.press(await house.member('sandra', { patient: number }), { view, context: 'external_id' }, enough)

  check('C21: known: the patient page, and step 10 says so', async () => {
    const page = await open('12345')
    assert.match(page.text, /Toedienregistratie .*Sanne de Wit/)
    const entry = await house.newest(YSIS)
    assert.deepEqual([entry.code, entry.result], [0, 'geslaagd'])
    const { data } = step(entry, 10)
    assert.deepEqual([data.view, data.needs_patient, data.patient, data.permission, data.permitted, data.chosen, data.patient_result],
      ['toedienen', true, 'external_id', 'administration.write', 'ja', 'toedienen', 'gevonden'])
  })

  for (const [what, number, text, code, result, id] of [
    ['unknown', '45678', /Hoofdmenu .*Onbekende cliënt/, 806, 'onbekend', undefined],
    ['not permitted', '34567', /Hoofdmenu .*onvoldoende rechten voor deze cliënt/, 807, 'onvoldoende rechten', 'app-3'],
  ]) {
    check(`C21: ${what}: the main menu with the sentence, and ${code} in the log`, async () => {
      const page = await open(number)
      assert.equal(page.status, 200)
      assert.match(page.text, text)
      assert.ok(!page.text.includes('Metoprolol'), 'data of a patient')
      const entry = await house.newest(YSIS)
      assert.deepEqual([entry.code, entry.result], [code, 'geslaagd met waarschuwing'])
      assert.deepEqual([step(entry, 10).data.patient_result, step(entry, 10).data.patient_id], [result, id])
      assert.ok(step(entry, 12).data.warnings.some((one) => one.startsWith(`${code} `)))
      assert.ok((await house.cli('sso', 'log', 'show', entry.ref)).includes(`${code} `))
      assert.deepEqual((await house.entries('--code', String(code))).some(({ ref }) => ref === entry.ref), true)
    })
  }

  check('VIEW-4: a report counts once, of a live session only, and of the right form', async () => {
    const browser = await house.member('sandra', { patient: '12345' })
    const { patient: { reference } } = await facts(await house.press(browser, { view: 'status', context: 'external_id' }))
    for (const fields of [{ reference }, { result: 'found' }, { reference, result: 'perhaps' }, { reference, result: 'forbidden', patient: 'x'.repeat(65) },
      { reference, result: 'forbidden', patient: 'a\nb' }]) {
      assert.equal((await tell('/sso/landing', fields)).status, 400, JSON.stringify(fields))
    }
    assert.deepEqual((await report({ reference: 'A'.repeat(43), result: 'unknown' })).json, { error: 'invalid_grant' })
    assert.equal((await report({ reference, result: 'forbidden', patient: 'p-7 999990019' })).status, 200)
    assert.equal((await report({ reference, result: 'found' })).status, 409)
    assert.equal((await house.shifted(1801, () => tell('/sso/landing', { reference, result: 'found' }))).status, 400)
    const entry = await house.newest(YSIS)
    assert.deepEqual([entry.code, step(entry, 10).data.patient_result], [807, 'onvoldoende rechten'])
    assert.ok(!JSON.stringify(entry).includes('999990019'))
    assert.equal((await exchange(`${house.frontUrl}/sso/landing`, { method: 'POST', body: '' })).status, 404)
    assert.equal((await exchange(`${house.frontUrl}/sso/patient`, { method: 'POST', body: '' })).status, 404)
  })
})

describe('VIEW-9: patient access in the audit trail', () => {
  check('AUD-4: event, time, patient, user and responsible user; never in the clear; once per session', async () => {
    const browser = await house.member('sandra', { patient: '12345' })
    const { result, events: [event, ...more] } = await added(async () => {
      const pressed = await house.press(browser, { view: 'status', context: 'bsn_jwe' }, (url) => house.isCallback(url))
      const first = await facts(await house.visit(browser, pressed.location))
      return [first, await facts(await house.visit(browser, pressed.location))] // Back: the same session again
    })
    assert.deepEqual(more, [])
    assert.deepEqual(result[0].patient, result[1].patient)
    const entry = await house.newest(YSIS)
    assert.equal(event.actor, `user:${result[0].user}`)
    assert.deepEqual([event.details.user_name, event.details.responsible_user, event.details.connection, event.details.kind, event.details.page, event.details.log],
      ['Sandra Bloem', result[0].user, YSIS, 'bsn', '/status/{patient}', entry.ref])
    assert.match(event.subject, /^patient:[\w-]{43}$/)
    assert.ok(Math.abs(Date.parse(event.at) - Date.now()) < 60000)
    const line = JSON.stringify(event)
    for (const secret of ['999990019', result[0].patient.reference]) assert.ok(!line.includes(secret), secret)
    assert.match(await house.cli('audit', 'verify'), /^intact/)
    // The same patient has the same hash, another one another.
    const again = await added(async () => facts(await house.press(browser, { view: 'status', context: 'bsn_jwe' })))
    assert.equal(again.events[0].subject, event.subject)
    const other = await house.member('sandra', { patient: '23456' })
    assert.notEqual((await added(async () => facts(await house.press(other, { view: 'status', context: 'bsn_jwe' })))).events[0].subject, event.subject)
  })

  check('AUD-4: who opened a patient is found by the patient, who is given on standard input; asking is audited too', async () => {
    const ask = (input, ...words) => {
      const { status, stdout, stderr } = read(input, '--json', ...words)
      return { status, stderr, lines: stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line)) }
    }
    const read = (input, ...words) => spawnSync(house.sluis.binary, ['audit', 'patient', ...words, '--config', house.file('sluis.yaml')],
      { input, encoding: 'utf8', env: house.sluis.environment, timeout: 60000 })
    const browser = await house.member('karim', { patient: '12345' })
    const bsn = await facts(await house.press(browser, { view: 'status', context: 'bsn_jwe' }))
    const id = await facts(await house.press(browser, { view: 'status', context: 'external_id' }))
    for (const [given, { status, lines }] of [[bsn, ask('999990019\n')], [id, ask('12345', '--customer', 'zonnestraaltjes')]]) {
      assert.equal(status, 0)
      assert.deepEqual([lines[0].actor, JSON.parse(lines[0].details).kind], [`user:${given.user}`, given.patient.kind])
      assert.ok(lines.every(({ action, subject }) => action === 'patient_access' && subject === lines[0].subject))
    }
    assert.deepEqual(ask('12345', '--customer', 'duinzicht').lines, []) // an id says something within its customer only
    assert.deepEqual(ask('123456782').lines.filter(({ actor }) => actor === `user:${bsn.user}`), [])
    // For people: who, when and where, and a "nobody" that says what it does not cover.
    const table = read('999990019\n').stdout
    assert.match(table, /^AT +NAME +USER +PAGE +CONNECTION +LOG +NODE +NUMBER$/m)
    assert.match(table, new RegExp(`Karim El Amrani +${bsn.user} +/status/\\{patient\\} +${YSIS} +SSO-\\d{8}-\\w{8} `))
    assert.ok(!table.includes('sealed'))
    assert.match(read('00000', '--customer', 'zonnestraaltjes').stdout, /^nobody opened .*without --customer$/m)
    assert.match(read('100000009').stdout, /^nobody opened .*--customer$/m)
    const misspelt = read('12345', '--customer', 'zonestraaltjes')
    assert.deepEqual([misspelt.status, misspelt.stdout], [1, ''])
    assert.match(misspelt.stderr, /no connection has customer zonestraaltjes/)
    const lines = ask('12345', '--customer', 'zonestraaltjes')
    assert.deepEqual([lines.status, lines.lines], [1, []])
    assert.match(lines.stderr, /no connection has customer zonestraaltjes/)
    assert.equal(ask('12345', '--customer', 'duinzicht').status, 0)
    const refused = ask('999990018')
    assert.deepEqual([refused.status !== 0, refused.lines, refused.stderr.includes('999990018')], [true, [], false])
    const trail = await house.cli('audit', 'list', '--limit', '1000')
    assert.match(trail, /patient_access_view/)
    assert.ok(!trail.includes('999990019'))
  })

  check('a login without a patient, or whose application never asked, opened nobody', async () => {
    const { events: none } = await added(async () => {
      await facts(await house.press(await house.member('sandra'), { view: 'werklijst' }))
      await house.press(await house.member('sandra', { patient: '12345' }), { view: 'status', context: 'external_id' })
    })
    assert.deepEqual(none, [])
  })

  check('behind forward authentication the reference of the path is exchanged, by the user it was made for', async () => {
    const login = await house.enter(person('Anna', '20'), { query: '?view=status&clientId=12345' })
    const [, , reference] = login.landing.split('/')
    assert.match(login.landing, /^\/status\/[\w-]{43}$/)
    const { headers } = await house.verify(login.browser)
    const user = headers['x-sso-user']
    const { events: [event, ...more] } = await added(async () => {
      for (const fields of [{ reference }, { user }, { reference, user: '' }, { reference, user: 'somebody-else' }, { reference: 'A'.repeat(43), user }]) {
        assert.equal((await tell('/sso/patient', fields)).status, 400, JSON.stringify(fields))
      }
      for (let i = 0; i < 2; i++) { // a reload
        assert.deepEqual(await tell('/sso/patient', { reference, user }), { status: 200, json: { reference, kind: 'external_id', value: '12345' } })
      }
    })
    assert.deepEqual([event.actor, event.details.kind, more], [`user:${user}`, 'external_id', []])
    assertAbsent('12345', 'the event', JSON.stringify(event))
    // The application itself, with the headers that its proxy sets.
    const xsso = Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-sso-')))
    for (let i = 0; i < 2; i++) {
      const page = await new Browser().get(house.at('app', login.landing), { headers: { ...xsso, 'X-SSO-Permissions': 'status.read@oost' } })
      assert.match(page.text, /Sanne de Wit/)
    }
    const entry = await house.newest(TEST)
    assert.equal(step(entry, 10).data.patient_result, 'gevonden')
    assert.equal((await house.shifted(1801, () => tell('/sso/patient', { reference, user }))).status, 400)
  })

  check('C30b: an audit trail that cannot be written: the login works, and no patient is handed over', async () => {
    const browser = await house.member('sandra', { patient: '12345' })
    const login = await house.press(browser, { view: 'status', context: 'external_id' })
    const forward = await house.enter(person('Bert', '20'), { query: '?view=status&clientId=12345' })
    const reference = forward.landing.split('/')[2]
    const user = (await house.verify(forward.browser)).headers['x-sso-user']
    house.store.execute('ALTER TABLE audit RENAME TO audit_away')
    let page, given, refused
    try {
      given = await facts(login)
      refused = await tell('/sso/patient', { reference, user })
      page = await house.press(browser, { view: 'status', context: 'external_id' }, enough)
    } finally {
      house.store.execute('ALTER TABLE audit_away RENAME TO audit')
    }
    assert.deepEqual([given.patient, given.view, given.banner], [null, '/', 'Cliënt kon niet worden geopend'])
    assert.equal(given.display_name, 'Sandra Bloem')
    assert.deepEqual(refused, { status: 503, json: { error: 'temporarily_unavailable' } })
    assert.equal(page.status, 200)
    assert.match(page.text, /Hoofdmenu .*Cliënt kon niet worden geopend/)
    assert.ok(!page.text.includes('Sanne'))
    assert.match(house.sluis.log(), /"patient_access_not_audited"/)
    // And with the trail back, the same session opens the patient, with its event.
    const { result, events: [event] } = await added(() => tell('/sso/patient', { reference, user }))
    assert.equal(result.json.value, '12345')
    assert.equal(event.details.user_name, 'Bert')
    assert.match(await house.cli('audit', 'verify'), /^intact/)
  })
})

describe('C22: departments', () => {
  check('C22: one department opens at once, several give the list; each entry of it opens', async () => {
    const west = await house.press(await house.member('sandra'), { view: 'bestelronde' }, enough)
    assert.match(west.answer.url, /\/bestelronde\/west$/)
    assert.match(west.text, /Bestelronde .*West/)
    const browser = await house.member('sandra')
    const list = await house.press(browser, { view: 'deelronde' }, enough)
    assert.match(list.answer.url, /\/deelronde$/)
    assert.match(list.text, /Afdelingen Oost West/)
    const chosen = await browser.get(house.at('app', '/deelronde/oost'))
    assert.match(chosen.text, /department-oost/)
    assert.ok(!chosen.text.includes('department-west'))
    // PRM-2: a department that the permission does not reach opens nothing.
    assert.ok(!(await browser.get(house.at('app', '/bestelronde/oost'))).text.includes('department-'))
  })
})

describe('C23: encrypted BSN', () => {
  check('C23: valid opens the patient; stale, replayed and clear text are 108 with the banner, and the login works', async () => {
    const browser = await house.member('sandra', { patient: '12345' })
    const page = await house.press(browser, { view: 'status', context: 'bsn_jwe' }, enough)
    assert.match(page.text, /Sanne de Wit/)
    for (const context of ['bsn_stale', 'bsn_replay', 'bsn_clear']) {
      if (context === 'bsn_replay') await house.press(browser, { view: 'status', context: 'bsn_jwe' })
      const refused = await house.press(browser, { view: 'status', context }, enough)
      assert.match(refused.text, /Hoofdmenu .*Cliënt kon niet worden geopend/, context)
      assert.ok(!refused.text.includes('Sanne'))
      const entry = await house.newest(YSIS)
      assert.deepEqual([entry.code, entry.result], [108, 'geslaagd met waarschuwing'], context)
      assert.equal(step(entry, 10).data.patient, 'geen')
    }
  })
})

describe('C24: another person in the same browser', () => {
  check('C24: the first session ends; step 11 has both users, both sessions and the lifetimes', async () => {
    const browser = new Browser()
    await house.enter(person('Karel', '10'), { browser })
    const karel = (await house.verify(browser)).headers['x-sso-user']
    const first = step(await house.newest(TEST), 11).data
    assert.deepEqual([first.replaced_user, first.replaced_session], ['', ''])
    browser.jar.delete('idp.localhost')
    await house.enter(person('Lies', '10'), { browser })
    const lies = (await house.verify(browser)).headers['x-sso-user']
    const { data } = step(await house.newest(TEST), 11)
    assert.notEqual(karel, lies)
    assert.deepEqual([data.user, data.replaced_user, data.replaced_session], [lies, karel, first.session])
    assert.match(data.session, /^[0-9a-f]{6}$/)
    assert.notEqual(data.session, first.session)
    assert.deepEqual([data.idle_s, data.absolute_s, data.limited], [1800, 3600, false])
  })
})

describe('warnings of a landing', () => {
  check('VIEW-2: 809 is a banner on the main menu; 808 is none; both in one login are both in the log', async () => {
    const refused = await facts(await house.press(await house.member('sandra'), { view: 'dispense' }))
    assert.deepEqual([refused.view, refused.warnings, refused.banner], ['/', [809], 'U hebt geen rechten voor de gevraagde pagina'])
    const page = await house.press(await house.member('sandra'), { view: 'dispense' }, enough)
    assert.match(page.text, /Hoofdmenu .*U hebt geen rechten voor de gevraagde pagina/)
    const entry = await house.newest(YSIS)
    assert.deepEqual([entry.code, step(entry, 10).data.permitted, step(entry, 10).data.permission], [809, 'ontbreekt', 'dispense.read'])
    const forward = await house.enter(person('Dina', '10'), { query: '?view=werklijst' })
    const { headers } = await house.verify(forward.browser)
    assert.deepEqual([forward.landing, headers['x-sso-warnings'], headers['x-sso-limited']], ['/', '809', 'false'])
    const unknown = await facts(await house.press(await house.member('sandra'), { view: 'bestaat-niet' }))
    assert.deepEqual([unknown.view, unknown.warnings, unknown.banner], ['/', [808], null])
    const browser = await house.member('sandra', { patient: '12345' })
    const both = await facts(await house.press(browser, { view: 'bestaat-niet', context: 'bsn_clear' }))
    assert.deepEqual(both.warnings, [108, 808])
    assert.deepEqual(step(await house.newest(YSIS), 12).data.warnings.map((one) => Number.parseInt(one, 10)), [108, 808])
  })
})

describe('VIEW-7: a limited session', () => {
  for (const view of ['amo', 'amo2']) {
    check(`${view}: one patient, to read, no menu, ten minutes`, async () => {
      const login = await house.press(await house.member('sandra', { patient: '12345' }), { view, context: 'external_id' })
      const given = await facts(login)
      assert.deepEqual([given.limited, given.permissions, given.groups], [true, ['status.read@oost', 'status.read@west'], []])
      assert.ok(given.expires - Date.now() / 1000 <= 600)
      const page = await house.press(await house.member('sandra', { patient: '12345' }), { view, context: 'external_id' }, enough)
      assert.match(page.text, /Sanne de Wit/)
      assert.ok(!page.text.includes('Hoofdmenu') && !page.answer.text.includes('id="menu"'))
      const { data } = step(await house.newest(YSIS), 11)
      assert.deepEqual([data.idle_s, data.absolute_s, data.limited], [600, 600, true])
    })
  }

  check('/sso/verify says that it is limited, and ends it after ten minutes whatever its use', async () => {
    const { browser } = await house.enter(person('Cor', '20'), { query: '?view=amo&clientId=12345' })
    const { status, headers } = await house.verify(browser)
    assert.deepEqual([status, headers['x-sso-limited'], headers['x-sso-permissions'], headers['x-sso-groups'] ?? ''],
      [200, 'true', 'status.read@oost status.read@west', ''])
    assert.equal((await house.shifted(500, () => house.verify(browser))).status, 200)
    assert.equal((await house.shifted(601, () => house.verify(browser))).status, 401)
    const full = await house.enter(person('Cor', '20'))
    assert.equal((await house.verify(full.browser)).headers['x-sso-limited'], 'false')
  })
})

describe('AUD-4: the key that opens what the audit trail says', () => {
  check('is in use as long as the trail, whatever is sealed anew', async () => {
    const sealed = (await events()).filter(({ details }) => details.patient_sealed).length
    assert.ok(sealed > 0)
    assert.match(await house.cli('keys', 'list', '--use'), new RegExp(`^1 +seals +\\d+ +\\d+ +${sealed}$`, 'm'))
    await house.cli('keys', 'rotate')
    house.sluis.signal('SIGHUP')
    const told = await house.cli('keys', 'reseal')
    assert.match(told, new RegExp(`^key 1 still opens ${sealed} values of the audit trail, which is not sealed anew: its line stays`, 'm'))
    assert.doesNotMatch(told, /no longer used/)
    assert.match(await house.cli('audit', 'verify'), /^intact: /)
  })
})
