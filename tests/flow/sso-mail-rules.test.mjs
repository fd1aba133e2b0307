// Every way in which an administrator is told or not told (spec sso.md 4.10), against the SMTP server that others wrote
// (npm smtp-server): STARTTLS, a log-in, and mails as a mail server gets to see them.
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SMTPServer } from 'smtp-server'
import { readCertificate } from './support/certificates.mjs'
import { clearOfTheHour, until } from './support/patience.mjs'
import { freePort } from './support/ports.mjs'
import { POST, Professionals, SEPARATE, TEST, step } from './support/professionals.mjs'

const DAY = 86400
const USER = 'sluis'
const GONE = 'weg@duinzicht.example' // the mail server does not know it
const PASSWORD = 'geheim-van-de-mail +/='
let house, server, port
const mails = [] // as they came in, oldest first

function decode(text) {
  const [head, ...rest] = text.split('\r\n\r\n')
  const headers = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n')
  const subject = headers.find((line) => line.startsWith('Subject: ')).slice('Subject: '.length)
    .replace(/=\?UTF-8\?B\?([^?]*)\?= ?/g, (_, coded) => Buffer.from(coded, 'base64').toString('binary'))
  const body = rest.join('\r\n\r\n').replace(/=\r\n/g, '').replace(/\r\n/g, '\n')
    .replace(/=([0-9A-F]{2})/g, (_, code) => String.fromCharCode(parseInt(code, 16)))
  return { headers, subject: Buffer.from(subject, 'binary').toString(), body: Buffer.from(body, 'binary').toString() }
}

function openServer() {
  server = new SMTPServer({
    ...readCertificate(house.folder, 'back'),
    authMethods: ['PLAIN', 'LOGIN'],
    onAuth: ({ username, password }, session, done) =>
      username === USER && password === PASSWORD ? done(null, { user: username }) : done(new Error('not you')),
    onRcptTo({ address }, session, done) {
      done(address === GONE ? Object.assign(new Error('no such person'), { responseCode: 550 }) : undefined)
    },
    onData(stream, session, done) {
      const pieces = []
      stream.on('data', (piece) => pieces.push(piece))
      stream.on('end', () => {
        const envelope = { from: session.envelope.mailFrom.address, to: session.envelope.rcptTo.map(({ address }) => address) }
        mails.push({ ...decode(Buffer.concat(pieces).toString('binary')), ...envelope, isSecure: session.secure, user: session.user })
        done()
      })
    },
  })
  server.on('error', () => {}) // of connections that break off
  return new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
}

const closeServer = () => new Promise((resolve) => server.close(resolve))
const about = (code, slug) => mails.filter(({ subject, body }) => subject.endsWith(`(${code})`) && (!slug || body.includes(`Koppelvlak: ${slug}\n`)))

const notifications = async (...filter) =>
  (await house.cli('sso', 'notifications', 'list', '--json', '--limit', '1000', ...filter)).split('\n').filter(Boolean).map((line) => JSON.parse(line))

// Sluis and the identity providers, that many seconds ahead.
function setClock(seconds) {
  house.setClock(seconds)
  for (const provider of Object.values(house.providers)) provider.clockOffset = seconds
}

async function shifted(seconds, run) {
  setClock(seconds)
  try {
    return await run()
  } finally {
    setClock(0)
  }
}

// Sluis has looked, at what its clock says now, whether there is something to be mailed unasked.
function looked() {
  const now = Math.floor(Date.now() / 1000) + house.clock
  const times = () => [...house.sluis.log().matchAll(/"notices_looked_at","at":(\d+),"done":true/g)].map(([, at]) => Number(at))
  return until(`a look at ${now}`, () => times().some((at) => Math.abs(at - now) < 3600 && at >= now))
}

// A login at oidc-provider in which the ID token has another time, so many seconds from what it should be.
async function enterSpoiled(slug, spoil) {
  house.providers[slug].spoilIdToken = spoil
  try {
    return await house.enter({ sub: 'p-1', name: 'Piet Post', locaties: ['10'] }, { slug })
  } finally {
    house.providers[slug].spoilIdToken = undefined
  }
}

const expired = ({ header, payload }) => ({ header, payload: { ...payload, iat: payload.iat - 590, exp: payload.iat - 300 } })
const unsigned = (token, idp) => ({ ...token, key: idp.strangerKey })
const sound = (slug = TEST) => house.enter({ sub: 'p-1', name: 'Piet Post', locaties: ['10'] }, { slug })

describe('who is mailed about what, when', { timeout: 1200000 }, () => {
  before(async () => {
    port = await freePort()
    house = new Professionals('sso-mail-rules')
    writeFileSync(house.file('mail-password'), `${PASSWORD}\n`, { mode: 0o600 })
    await house.open({
      mail: {
        server: `smtp://localhost:${port}`, sender: 'sluis@sluis.example', user: USER, password_file: house.file('mail-password'),
        ca: house.file('ca.crt'), operator: 'beheer@sluis.example, wacht@sluis.example',
      },
    })
    await house.importOwn(({ connections }) => {
      for (const connection of connections) connection.notify_address = 'fab@duinzicht.example'
      connections.find(({ provider_key }) => provider_key === 'post').mail_user = false
    })
    await openServer()
  })
  after(async () => {
    await closeServer()
    await house.stop()
  })

  test('MAIL-9: over STARTTLS with a log-in, from the fixed sender', async () => {
    assert.equal((await enterSpoiled(TEST, unsigned)).status, 400)
    const [mail] = await until('the mail', () => about(504).length > 0 && about(504))
    assert.equal(mail.isSecure, true)
    assert.equal(mail.user, USER)
    assert.equal(mail.from, 'sluis@sluis.example')
    assert.deepEqual(mail.to, ['fab@duinzicht.example'])
    assert.ok(mail.headers.includes('Auto-Submitted: auto-generated'))
    assert.equal(mail.subject, '[SSO productie] duinzicht: Handtekening ongeldig (504)')
  })

  test('MAIL-4: how to look it up; who it was, unless the connection says that stays out', async () => {
    const [mail] = about(504)
    const reference = mail.body.match(/Referentie: (SSO-\d{8}-[0-9A-Z]{8})\n/)[1]
    assert.ok(mail.body.includes(`Opzoeken: sluis sso log show ${reference}\n`))
    const groupless = { sub: 'p-2', name: 'Petra Post', locaties: ['30'] }
    assert.equal((await house.enter(groupless)).status, 403)
    assert.equal((await house.enter(groupless, { slug: POST })).status, 403)
    const [withName, without] = await until('both', () => about(702, TEST).length && about(702, POST).length && [about(702, TEST)[0], about(702, POST)[0]])
    assert.match(withName.body, /Gebruiker: Petra Post\n/)
    assert.match(withName.body, /Beveiligingsgroepen:\n  - Leeg\n/)
    assert.doesNotMatch(without.body, /Gebruiker|Petra/)
  })

  test('MAIL-9: a name with line ends adds no header and no line', async () => {
    const name = 'Els\r\nBcc: stiekem@evil.example\r\n\r\nTweede mail'
    await house.enter({ sub: 'p-3', name, locaties: ['9999'] })
    const [mail] = await until('the mail', () => about(701).length && about(701))
    assert.deepEqual(mail.to, ['fab@duinzicht.example'])
    assert.ok(!mail.headers.some((line) => /^Bcc/i.test(line)))
    assert.doesNotMatch(mail.body, /^Bcc|^Tweede/m)
    assert.doesNotMatch(mail.body, /evil\.example/)
  })

  test('MAIL-1: 508 is mailed after three in a quarter of an hour, not before; step 12 says which', async () => {
    const words = []
    for (let i = 0; i < 4; i++) {
      const refused = await enterSpoiled(TEST, expired)
      assert.equal(refused.status, 400)
      words.push(step(await house.entry(refused.reference), 12).data.mail)
    }
    assert.deepEqual(words, ['geen', 'geen', 'verstuurd', 'onderdrukt'])
    const [mail] = await until('the mail', () => about(508).length && about(508))
    assert.match(mail.body, /Onderdrukte herhalingen: 2 \(/)
    assert.equal(about(508).length, 1)
    // The mail server has it before Sluis knows so.
    const list = await until('no mail on its way', async () => {
      const all = await notifications('--code', '508')
      return !all.some(({ state }) => state === 'waiting') && all
    })
    assert.deepEqual(list.map(({ state, reason }) => `${state} ${reason}`.trim()), ['suppressed window', 'sent', 'suppressed count', 'suppressed count'])
    assert.deepEqual([...new Set(list.map(({ recipients }) => recipients))], ['fab@duinzicht.example'])
  })

  test('912 is mailed once a day, and no login waits for it; step 12 says what is known by then', async () => {
    await clearOfTheHour()
    const words = []
    house.setClock(45) // of Sluis alone
    try {
      for (let i = 0; i < 3; i++) {
        assert.ok((await sound()).landing)
        const [{ ref }] = await house.entries('--connection', TEST, '--limit', '1')
        words.push(step(await house.entry(ref), 12).data.mail)
      }
      await until('the mail', () => about(912).length > 0)
    } finally {
      house.setClock(0)
    }
    assert.deepEqual(words, ['aangeboden', 'onderdrukt', 'onderdrukt'])
    assert.equal(about(912).length, 1)
    assert.doesNotMatch(about(912)[0].body, /herhalingen/)
  })

  test('MAIL-8: an outage is one mail at the start and one at the recovery', async () => {
    const idp = house.providers[SEPARATE]
    await idp.stop()
    const words = []
    for (let i = 0; i < 5; i++) {
      const refused = await sound(SEPARATE)
      assert.equal(refused.status, 503)
      words.push(step(await house.entry(refused.reference), 12).data.mail)
    }
    assert.deepEqual(words, ['geen', 'geen', 'verstuurd', 'onderdrukt', 'onderdrukt'])
    await until('the start', () => about(201).length > 0)
    assert.equal(about(201)[0].subject, '[SSO productie] duinzicht: Identity provider niet bereikbaar (201)')
    await idp.resume()
    await until('a login', async () => (await sound(SEPARATE)).landing)
    await sleep(6000) // it looks every five seconds
    assert.equal(about(201).length, 1, 'not before two calm minutes')
    await shifted(180, () => until('the recovery', () => about(201).length > 1))
    assert.equal(about(201)[1].subject, '[SSO productie] duinzicht: Inloggen lukt weer (201)')
    assert.equal(house.count('outbox_outage'), 0)
  })

  test('805, 910, 911: the operator is mailed, also about a store that was away', async () => {
    house.store.query('ALTER TABLE sso_session RENAME TO sso_session_away')
    let refused
    try {
      refused = await sound()
    } finally {
      house.store.query('ALTER TABLE sso_session_away RENAME TO sso_session')
    }
    assert.equal(refused.status, 503)
    assert.doesNotMatch(refused.text, /bericht|melding/i)
    const [mail] = await until('the mail', () => about(805).length && about(805))
    assert.deepEqual(mail.to, ['beheer@sluis.example', 'wacht@sluis.example'])
    // The outbox itself away: kept in memory, and sent when it is back.
    house.store.query('ALTER TABLE outbox_window RENAME TO outbox_window_away')
    house.store.query('ALTER TABLE flow RENAME TO flow_away')
    try {
      const down = await sound()
      assert.equal(down.status, 503)
    } finally {
      house.store.query('ALTER TABLE flow_away RENAME TO flow')
      house.store.query('ALTER TABLE outbox_window_away RENAME TO outbox_window')
    }
    const [later] = await until('the mail about the store', () => about(911).length && about(911))
    assert.deepEqual(later.to, ['beheer@sluis.example', 'wacht@sluis.example'])
    assert.equal((await notifications('--operator')).length, 2)
  })

  test('MAP-9, 707: new locations are in one mail of the day', async () => {
    await clearOfTheHour() // it is sent at six in the morning
    const before = about(707).length
    assert.ok((await house.enter({ sub: 'p-4', name: 'Nel', locaties: ['10', 'nieuw-1', 'nieuw-2'] })).landing)
    assert.equal(about(707).length, before)
    await shifted(DAY, () => until('the digest', () => about(707, TEST).length > before))
    const digest = about(707, TEST).at(-1)
    assert.match(digest.body, /  - nieuw-1 \(nog niet gekoppeld\)\n  - nieuw-2 \(nog niet gekoppeld\)\n/)
    assert.doesNotMatch(digest.body, /herhalingen|Nel/)
    await shifted(DAY + 7200, looked)
    await shifted(2 * DAY, looked)
    assert.equal((await notifications('--code', '707', '--connection', TEST)).length, before + 1)
    assert.equal(about(707, TEST).length, before + 1)
  })

  test('913: the expiry of a client secret is told on the reminder days, once for each', async () => {
    const soon = new Date(Date.now() + 20 * DAY * 1000).toISOString().slice(0, 10)
    await house.importOwn(({ connections }) => {
      for (const connection of connections) connection.notify_address = 'fab@duinzicht.example'
      connections.find(({ provider_key }) => provider_key === 'test').client_secret_expires = soon
    })
    await until('30 days', () => about(913).length > 0)
    assert.match(about(913)[0].body, /verloopt over (19|20) dagen/)
    for (const [days, count] of [[1, 1], [7, 2], [8, 2], [13, 3], [19, 4], [30, 4]]) {
      await shifted(days * DAY, async () => {
        await looked()
        await until(`${count} reminders`, () => about(913).length >= count)
      })
      assert.equal((await notifications('--code', '913')).length, count, `after ${days} days`)
      assert.equal(about(913).length, count, `after ${days} days`)
    }
  })

  test('MAIL-9: an address that the mail server refuses keeps the mail from nobody else', async () => {
    await house.importOwn(({ connections }) => {
      for (const connection of connections) connection.notify_address = `${GONE}, fab@duinzicht.example`
    })
    assert.equal((await enterSpoiled(SEPARATE, unsigned)).status, 400)
    const [mail] = await until('the mail', () => about(504, SEPARATE).length > 0 && about(504, SEPARATE))
    assert.deepEqual(mail.to, ['fab@duinzicht.example'])
    const log = readFileSync(house.sluis.logFile, 'utf8')
    assert.match(log, /"mail_recipient_refused".*"refused":1,"recipients":2/)
    assert.ok(!log.includes(GONE))
    await house.importOwn(({ connections }) => {
      for (const connection of connections) connection.notify_address = 'fab@duinzicht.example'
    })
  })

  test('C27: the SMTP server is down: logins go on, and the queue drains when it is back', async () => {
    await closeServer()
    const mine = () => mails.filter(({ body }) => /^ {2}- a[123]$/m.test(body)).length
    const refused = []
    for (const claim of ['a1', 'a2', 'a3']) refused.push(await house.enter({ sub: 'p-5', name: 'Kees', locaties: [claim] }))
    assert.deepEqual(refused.map(({ status }) => status), [403, 403, 403])
    assert.ok((await sound()).landing)
    await until('failed tries', async () => (await notifications('--state', 'waiting')).filter(({ failed_tries }) => failed_tries > 0).length === 3)
    assert.equal(mine(), 0)
    await openServer()
    await shifted(70, () => until('all three', () => mine() === 3))
    await until('an empty queue', async () => (await notifications('--state', 'waiting')).length === 0)
    assert.equal(mine(), 3)
  })

  test('C26: 200 identical failures in 10 minutes: one mail, summaries, and all of them in the list', async () => {
    const person = { sub: 'p-6', name: 'Rie', locaties: ['c26'] }
    const began = Date.now()
    for (let i = 0; i < 200; i++) {
      setClock(Math.round(i * 3 - (Date.now() - began) / 1000)) // one every three seconds, however long each takes here
      assert.equal((await house.enter(person)).status, 403)
    }
    const mine = () => mails.filter(({ body }) => body.includes('  - c26\n'))
    await until('the first', () => mine().length > 0)
    assert.equal(mine().length, 1)
    try {
      setClock(16 * 60)
      await until('the summary', () => mine().length > 1)
      assert.match(mine()[1].body, /Onderdrukte herhalingen: 199 \(eerste /)
      setClock(3 * 3600)
      await sleep(6000)
      assert.equal(mine().length, 2)
      const reference = mine()[0].body.match(/Referentie: (\S+)/)[1]
      const list = (await notifications('--code', '701')).filter(({ subject }) => subject)
      const [first] = list.filter(({ ref, state }) => ref === reference && state === 'sent')
      const [shown] = [await house.cli('sso', 'notifications', 'show', first.id)]
      assert.match(shown, /recipients: +fab@duinzicht\.example\n/)
      assert.match(shown, /  - c26\n/)
      assert.equal(house.count('outbox', `state = 4 AND reason = 'window' AND code = 701 AND fingerprint = (SELECT fingerprint FROM outbox WHERE id = '${first.id}')`), 199)
    } finally {
      setClock(0)
    }
  })

  test('MAIL-7: not more than 20 mails in an hour, and the last one says so', async () => {
    await clearOfTheHour() // a mail of the morning would be one of the twenty
    const before = mails.length
    setClock(12 * 3600) // whatever was sent until now is long ago
    try {
      for (let i = 0; i < 23; i++) await house.enter({ sub: 'p-7', name: 'Jan', locaties: [`cap-${i}`] }, { slug: POST })
      await until('twenty', () => mails.length >= before + 20)
      await sleep(3000)
      // A clock that is twelve hours ahead is a warning of its own (912), once a day, within the same twenty.
      const about = (word) => mails.slice(before).filter(({ body }) => body.includes(word))
      const sent = mails.slice(before).filter(({ body }) => body.includes('  - cap-') || body.includes('(912)') || body.includes('912 '))
      assert.equal(sent.length, 20)
      assert.deepEqual(sent.map(({ body }) => body.includes('maximum van 20 mails per uur')), [...Array(19).fill(false), true])
      const capped = (await notifications('--state', 'suppressed', '--code', '701')).filter(({ reason }) => reason === 'cap')
      assert.equal(capped.length, 23 - about('  - cap-').length)
    } finally {
      setClock(0)
    }
  })

  test('sluis sso notifications test sends a mail at once', async () => {
    const before = mails.length
    await house.cli('sso', 'notifications', 'test', '--to', 'iemand@sluis.example')
    assert.equal(mails.length, before + 1)
    assert.deepEqual(mails.at(-1).to, ['iemand@sluis.example'])
    assert.equal(mails.at(-1).isSecure, true)
  })

  test('a password file that others may read is refused, at the start and by sluis check', async () => {
    chmodSync(house.file('mail-password'), 0o640)
    const check = await house.sluis.run('check', '--config', house.file('sluis.yaml'))
    assert.match(check.stdout, /mail\.password_file.*open to others/)
    const mail = await house.sluis.run('sso', 'notifications', 'test', '--to', 'iemand@sluis.example', '--config', house.file('sluis.yaml'))
    assert.notEqual(mail.status, 0)
    assert.match(mail.stderr, /mail\.password_file: .*mail-password: open to others \(mode 0640\)/)
    chmodSync(house.file('mail-password'), 0o600)
  })

  test('MAIL-5: no mail of all these has anything that it must not have', () => {
    assert.ok(mails.length > 30)
    for (const { subject, body } of mails) {
      assert.doesNotMatch(subject + body, /eyJ|127\.0\.0\.1|::1|https?:|@|state=|code=/)
      assert.ok(!body.includes(PASSWORD))
    }
    assert.ok(!readFileSync(house.sluis.logFile, 'utf8').includes(PASSWORD))
  })
})
