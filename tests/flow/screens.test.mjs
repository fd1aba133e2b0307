// The screens (spec 4): mandatory texts, escaping, headers, and what happens on cancel, close and time-out (4.10).
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { Browser, exchange, forms, links, startHouse, visibleText } from './harness.mjs'
import { assertBack, assertPage, assertTechnicalFailure, assertWayBack, check, eventsOf, waysBack } from './support/checks.mjs'

let house
before(async () => { house = await startHouse('screens') })
after(() => house.stop())

const cancel = { action: 'cancel' }
const login = { action: 'login', person: '999990019' }

async function cancelled(scope = 'huisartsdeduinen', options) {
  const journey = await house.journey(scope, options).open()
  house.idp.behaviour = cancel
  try {
    return await journey.login()
  } finally {
    house.idp.behaviour = login
  }
}

// ---- texts ----

check('4.1 landing page of text set u-1.3 has the exact text of RFC0032', async () => {
  const journey = await house.journey('ziekenhuisdemeerpaal').open()
  assertPage(journey.page, 200, 'Welkom bij Ziekenhuis De Meerpaal. Voordat u toestemming kunt geven voor het verzamelen of delen van informatie, moet u inloggen.',
    'Inlogdienst Voorbeeld logt u in namens Ziekenhuis De Meerpaal.')
})

check('4.1 landing page of text set je-2.2', async () => {
  const journey = await house.journey('huisartsdeduinen').open()
  assertPage(journey.page, 200, 'Welkom bij Huisartsenpraktijk De Duinen. Voordat je toestemming kunt geven voor het verzamelen of delen van informatie, moet je inloggen.')
})

check('4.2 cancelled login of text set u-1.3 has the exact text of RFC0032 and a button Sluiten', async () => {
  const journey = await cancelled('ziekenhuisdemeerpaal')
  assertPage(journey.page, 200, 'U hebt uw inlog bij Ziekenhuis De Meerpaal geannuleerd. Voordat u toestemming kunt geven voor het verzamelen of delen van informatie, moet u alsnog inloggen. Als u wilt stoppen, kunt u dit scherm sluiten.')
  assert.ok(forms(journey.page.text).some((form) => form.buttons.some(({ text }) => text === 'Sluiten')))
})

check('4.3 consent to collect has the exact text of 2.2.4', async () => {
  const journey = await house.login('huisartsdeduinen')
  const [aanbieder, pgo] = ['Huisartsenpraktijk De Duinen', 'Mijn PGO & Zo']
  assertPage(journey.page, 200, 'Toestemming geven',
    `Wil je de gegevens die ${aanbieder} over jou heeft in jouw PGO zetten? Dan heeft ${aanbieder} jouw toestemming nodig om deze gegevens met ${pgo} te delen.`,
    'Toelichting',
    `${aanbieder} mag niet zonder jouw toestemming gegevens delen met een andere partij (lees ook de privacy verklaring van ${aanbieder}). Toestemmingen zijn geldig voor onbepaalde tijd. Als je langer dan zes maanden geen gegevens in je PGO zet, is de langdurige toestemming niet meer geldig. De volgende keer dat je gegevens in jouw PGO wilt zetten, log je weer in met DigiD en geef je opnieuw toestemming. Toestemmingen die je voor onbepaalde tijd geeft, kun je altijd aanpassen. Dit doe je door in je PGO naar ${aanbieder} te zoeken en te kiezen voor 'Toestemmingen aanpassen'. Voor de verbinding met de computer van ${aanbieder} heeft Stichting MedMij strenge regels gemaakt. ${pgo} volgt deze regels. Als je toestemming hebt gegeven, worden je gegevens in je PGO gezet via de veilige MedMij-verbinding.`)
  assert.ok(links(journey.page.text).some(({ href }) => href === 'https://huisartsdeduinen.example/privacy'), 'the privacy statement is a link')
})

check('4.3 consent carries the sentence about the end of the session (RFC0032), exact in u-1.3', async () => {
  const journey = await house.login('ziekenhuisdemeerpaal')
  assertPage(journey.page, 200, 'Als u uw keuze heeft gemaakt of deze pagina sluit, wordt u uitgelogd bij Ziekenhuis De Meerpaal.')
})

check('4.5 confirmation to share has the text of the addendum', async () => {
  const journey = await house.login('huisartsdeduinen~53')
  assertPage(journey.page, 200, /mag delen met Huisartsenpraktijk De Duinen\. Huisartsenpraktijk De Duinen beoordeelt of (hij|zij|die) deze informatie opneemt in (uw|je|jouw) dossier\./)
})

check('4.0 one form of address in a flow: no "u" in je-2.2, no "je" in u-1.3', async () => {
  const you = /\b(u|uw)\b/i
  const thou = /\b(je|jij|jou|jouw)\b/i
  const je = await house.journey('huisartsdeduinen').open()
  assert.doesNotMatch(visibleText(je.page.text), you)
  await je.login()
  assert.doesNotMatch(visibleText(je.page.text), you)
  const u = await house.journey('ziekenhuisdemeerpaal').open()
  assert.doesNotMatch(visibleText(u.page.text), thou)
  assert.doesNotMatch(visibleText((await cancelled('ziekenhuisdemeerpaal')).page.text), thou)
})

check('4.0 logos stand on every screen: first the one of the provider, then the one of MedMij, each with a text', async () => {
  const journey = await house.journey('huisartsdeduinen').open()
  const failed = await house.journey('praktijkdestoring').open()
  const pages = [journey.page, (await journey.login()).page, (await cancelled()).page]
  for (const page of pages) {
    const images = [...page.text.matchAll(/<img\b[^>]*>/g)].map(([tag]) => tag)
    assert.equal(images.length, 2, page.text.slice(0, 2000))
    assert.match(images[0], /src="\/logo\/provider\/huisartsdeduinen/)
    assert.match(images[0], /alt="[^"]*Huisartsenpraktijk De Duinen/)
    assert.match(images[1], /alt="[^"]*MedMij/)
  }
  await failed.login()
  assert.match(failed.page.text, /<img\b[^>]*alt="[^"]*MedMij/)
})

check('4.0 the logo of a provider is served as the picture that it is, and can do nothing else', async () => {
  const answer = await exchange(`${house.frontUrl}/logo/provider/huisartsdeduinen`)
  assert.equal(answer.status, 200)
  assert.match(answer.headers['content-type'], /^image\/svg\+xml/)
  assert.equal(answer.headers['x-content-type-options'], 'nosniff')
  assert.match(answer.headers['content-security-policy'] ?? '', /default-src 'none'/)
  assert.equal((await exchange(`${house.frontUrl}/logo/provider/nergens`)).status, 404)
})

check('4.0 what comes from outside is escaped', async () => {
  const journey = await house.journey('praktijkdetekens').open()
  assertPage(journey.page, 200, `Praktijk <b>O'Neil</b> & "Zn"`)
  assert.doesNotMatch(journey.page.text, /<b>O/)
  await journey.login('digid')
  assertPage(journey.page, 200, `Praktijk <b>O'Neil</b> & "Zn"`, 'Mijn PGO & Zo')
  assert.doesNotMatch(journey.page.text, /<b>O|Mijn PGO & Zo/)
})

check('4.0 several levels: the highest one is encouraged', async () => {
  const journey = await house.journey('praktijkdetekens').open()
  assertPage(journey.page, 200, 'Inloggen met DigiD', 'Inloggen met Ander', 'Substantieel')
  const buttons = forms(journey.page.text).filter((form) => form.action.endsWith('/oauth/login')).flatMap((form) => form.buttons)
  assert.deepEqual(buttons.map(({ value }) => value), ['ander', 'digid'], 'the strongest first')
  const advice = journey.page.text.match(/<p class="advice" id="([^"]*)">/g)
  assert.deepEqual(advice, ['<p class="advice" id="login-advice-ander">'])
  assert.match(journey.page.text, /value="ander" aria-describedby="login-advice-ander"/)
})

check('4.0 every page names its own assets only, and they are there', async () => {
  const journey = await house.login('huisartsdeduinen')
  const assets = [...journey.page.text.matchAll(/<(?:link|img)\b[^>]*?(?:href|src)="([^"]+)"/g)].map(([, address]) => address)
  assert.ok(assets.length > 0)
  for (const address of assets) {
    const answer = await exchange(new URL(address, house.frontUrl).href)
    assert.equal(new URL(address, house.frontUrl).origin, house.frontUrl)
    assert.equal(answer.status, 200, address)
    assert.equal(answer.headers['x-content-type-options'], 'nosniff')
  }
})

check('4.0 forms may only lead to us and to where the flow goes on', async () => {
  const journey = await house.login('huisartsdeduinen')
  const policy = journey.page.headers['content-security-policy']
  assert.match(policy, /default-src 'none'/)
  assert.match(policy, /base-uri 'none'/)
  assert.match(policy, /form-action 'self' https:/)
  assert.doesNotMatch(policy, /unsafe-|script-src(?! 'none')/)
})

check('4.0 the cookie binds the browser and ends with it: HttpOnly, SameSite=Lax, no lifetime', async () => {
  const browser = new Browser()
  await house.journey('huisartsdeduinen', { browser }).open()
  const lines = browser.history.flatMap((answer) => answer.headers['set-cookie'] ?? [])
  assert.equal(lines.length, 1)
  assert.match(lines[0], /^sluis_b=[A-Za-z0-9_-]{22,};/)
  for (const attribute of [/;\s*HttpOnly/i, /;\s*SameSite=Lax/i, /;\s*Path=\/(;|$)/i]) assert.match(lines[0], attribute)
  assert.doesNotMatch(lines[0], /Max-Age|Expires|Domain/i)
})

// ---- 4.10 ----

check('3.5 person cancels on the landing page (4.10 Annuleren): back to the PGO with access_denied', async () => {
  const journey = await house.journey('huisartsdeduinen').open()
  await journey.submit({ action: '/oauth/cancel', button: 'Annuleren' })
  assertBack(journey, { error: 'access_denied', state: journey.request.state })
  assert.ok(eventsOf(house, journey).includes('send_authorization_cancellation'))
})

check('4.10 login aborted at the identity provider: the cancelled-login page, and another try in the same session works', async () => {
  const journey = await cancelled()
  assertPage(journey.page, 200, 'geannuleerd')
  assert.ok(eventsOf(house, journey).includes('receive_authorization_cancellation'))
  await journey.submit({ action: '/oauth/retry' })
  assertPage(journey.page, 200, 'Toestemming geven')
  await journey.give()
  assert.equal((await journey.redeem()).scope, '48 49 51 63')
})

check('4.10 login aborted twice, then done', async () => {
  const journey = await cancelled()
  house.idp.behaviour = cancel
  await journey.submit({ action: '/oauth/retry' })
  assertPage(journey.page, 200, 'geannuleerd')
  house.idp.behaviour = login
  await journey.submit({ action: '/oauth/retry' })
  assertPage(journey.page, 200, 'Toestemming geven')
})

check('3.5 person stops on the cancelled-login page (4.10 Sluiten): goes back to the PGO, and the session is over', async () => {
  const journey = await cancelled()
  const page = journey.page
  await journey.submit({ action: '/oauth/close', button: 'Sluiten' })
  assertBack(journey, { error: 'access_denied', state: journey.request.state })
  journey.settle(page)
  await journey.submit({ action: '/oauth/retry' })
  assert.equal(journey.back, undefined)
  assert.notEqual(journey.page.status, 200)
})

check('4.10 consent refused: access_denied, and the session is ended at once', async () => {
  const journey = await house.login('huisartsdeduinen')
  const page = journey.page
  await journey.refuse()
  assertBack(journey, { error: 'access_denied', state: journey.request.state })
  assert.ok(eventsOf(house, journey).includes('receive_refusal'))
  await journey.visit(page.url)
  assert.equal(journey.back, undefined)
  assert.notEqual(journey.page.status, 200)
})

check('4.10 consent given: redirect with a code, and the session is ended at once', async () => {
  const journey = await house.login('huisartsdeduinen')
  const page = journey.page
  await journey.give()
  assert.deepEqual(Object.keys(journey.answer).sort(), ['code', 'state'])
  await journey.visit(page.url)
  assert.equal(journey.back, undefined)
  assert.notEqual(journey.page.status, 200)
})

check('4.10 tab closed on the consent page: nothing is issued, and the page is of no use after its time', async () => {
  const journey = await house.login('huisartsdeduinen')
  await house.moveClock(901)
  try {
    await journey.give()
    assert.equal(journey.back, undefined)
    assert.ok(journey.page.status >= 400)
    assert.equal(Number(house.store.query(`SELECT count(*) FROM consent WHERE trace_id = '${journey.request.requestId}'`)), 0)
  } finally {
    await house.moveClock(0)
  }
})

check('4.10 double submit: the second finds no session (autoriseren 3), and the first code still works', async () => {
  const journey = await house.login('huisartsdeduinen')
  const page = journey.page
  await journey.give()
  const back = journey.back
  journey.settle(page)
  await journey.give()
  assert.equal(journey.back, undefined)
  assert.ok(journey.page.status >= 400)
  assertWayBack(journey, 'server_error')
  journey.back = back
  assert.ok((await journey.redeem()).access_token)
})

check('4.10 double submit at the same moment: one wins', async () => {
  const journey = await house.login('huisartsdeduinen')
  const form = { action: '/oauth/consent', button: { name: 'choice', value: 'give' } }
  const answers = await Promise.all(Array.from({ length: 6 }, () => journey.browser.submit(journey.page, form)))
  assert.equal(answers.filter(({ headers }) => /[?&]code=/.test(headers.location ?? '')).length, 1)
  assert.equal(Number(house.store.query(`SELECT count(*) FROM consent WHERE trace_id = '${journey.request.requestId}'`)), 1)
})

check('8.3 what the person saw is what is registered: a page that would read differently now is of no use', async () => {
  const journey = await house.login('ziekenhuisdemeerpaal')
  const name = house.store.query("SELECT display_name FROM provider WHERE name = 'ziekenhuisdemeerpaal'").trim()
  const rename = (to) => house.store.execute(`UPDATE provider SET display_name = '${to}' WHERE name = 'ziekenhuisdemeerpaal'; UPDATE catalog_version SET version = version + 1`)
  const form = { action: '/oauth/consent', button: { name: 'choice', value: 'give' } }
  rename('Praktijk Met Een Andere Naam')
  try {
    await house.dataTakenUp()
    assertPage(await journey.browser.submit(journey.page, form), 400, 'niet meer geldig')
    assertPage(await journey.browser.get(journey.page.url), 400, 'niet meer geldig')
  } finally {
    rename(name)
    await house.dataTakenUp()
  }
  assert.equal(house.store.query(`SELECT count(*) FROM consent WHERE trace_id = '${journey.request.requestId}'`).trim(), '0')
  await journey.give()
  assert.ok(journey.answer.code, 'the page is right again')
})

check('4.10 refusing after giving does not undo it, nor the other way round', async () => {
  const journey = await house.login('huisartsdeduinen')
  const page = journey.page
  await journey.refuse()
  journey.settle(page)
  await journey.give()
  assert.equal(journey.back, undefined)
})

check('4.10 back button: the callback again leads to the open page, and to nothing once the choice was made', async () => {
  const journey = await house.journey('huisartsdeduinen').open()
  const callback = await journey.loginUntilCallback()
  await journey.visit(callback)
  assertPage(journey.page, 200, 'Toestemming geven')
  await journey.visit(callback)
  assertPage(journey.page, 200, 'Toestemming geven')
  await journey.give()
  assert.ok(journey.answer.code)
  await journey.visit(callback)
  assert.equal(journey.back, undefined)
  assert.ok(journey.page.status >= 400)
})

check('4.10 back button to the landing page: the form still starts a login of its own', async () => {
  const journey = await house.journey('huisartsdeduinen').open()
  const landing = journey.page
  await journey.login()
  journey.settle(landing)
  await journey.login()
  assertPage(journey.page, 200, 'Toestemming geven')
})

check('4.10 time-out: a landing page older than its lifetime no longer starts a login', async () => {
  const journey = await house.journey('huisartsdeduinen').open()
  await house.moveClock(901)
  try {
    await journey.login()
    assert.equal(journey.back, undefined)
    assert.ok(journey.page.status >= 400)
    assertPage(journey.page, journey.page.status)
    assertWayBack(journey, 'server_error')
  } finally {
    await house.moveClock(0)
  }
})

check('4.10 time-out: a login that took longer than its lifetime ends in a page', async () => {
  const journey = await house.journey('huisartsdeduinen').open()
  const callback = await journey.loginUntilCallback()
  await house.moveClock(901)
  try {
    await journey.visit(callback)
    assert.equal(journey.back, undefined)
    assertPage(journey.page, journey.page.status)
    assert.ok(journey.page.status >= 400)
  } finally {
    await house.moveClock(0)
  }
})

// ---- whose browser it is ----

check('a flow belongs to one browser: another one gets neither page nor choice', async () => {
  const journey = await house.login('huisartsdeduinen')
  const thief = new Browser()
  const shown = await thief.get(journey.page.url)
  assert.ok(shown.status >= 400)
  assert.doesNotMatch(visibleText(shown.text), /Huisartsgegevens/)
  const answer = await thief.submit(journey.page, { action: '/oauth/consent', button: { name: 'choice', value: 'give' } })
  assert.ok(answer.status >= 400)
  await journey.give()
  assert.ok(journey.answer.code, 'and the person is not hindered')
})

check('a callback in another browser is not taken (login CSRF)', async () => {
  const journey = await house.journey('huisartsdeduinen').open()
  const callback = await journey.loginUntilCallback()
  const answer = await new Browser().get(callback)
  assert.ok(answer.status >= 400)
  assert.equal(answer.headers.location, undefined)
})

check('a form without its one-time token, or with that of another page, is refused', async () => {
  const journey = await house.login('huisartsdeduinen')
  const other = await house.login('huisartsdeduinen', { browser: journey.browser })
  const [form] = forms(journey.page.text).filter(({ action }) => action.endsWith('/oauth/consent'))
  const [otherForm] = forms(other.page.text).filter(({ action }) => action.endsWith('/oauth/consent'))
  for (const token of [undefined, '', 'x', otherForm.fields.form]) {
    const fields = { flow: form.fields.flow, choice: 'give', ...(token === undefined ? {} : { form: token }) }
    const answer = await journey.browser.post(`${house.frontUrl}/oauth/consent`, fields)
    assert.ok(answer.status >= 400, String(answer.status))
  }
  await journey.give()
  assert.ok(journey.answer.code)
})

check('the sealed request of the landing page cannot be altered, nor used by another browser', async () => {
  const journey = await house.journey('huisartsdeduinen').open()
  const [form] = forms(journey.page.text).filter(({ action }) => action.endsWith('/oauth/login'))
  const sealed = form.fields.request
  const flipped = (sealed[60] === 'A' ? 'B' : 'A')
  for (const request of ['', 'x', sealed.slice(0, -4), sealed.slice(0, 60) + flipped + sealed.slice(61)]) {
    const answer = await journey.browser.post(`${house.frontUrl}/oauth/login`, { request, idp: 'digid' })
    assert.ok(answer.status >= 400, String(answer.status))
    assert.deepEqual(waysBack(answer), [])
  }
  const elsewhere = await new Browser().post(`${house.frontUrl}/oauth/login`, { request: sealed, idp: 'digid' })
  assert.ok(elsewhere.status >= 400)
  const unoffered = await journey.browser.post(`${house.frontUrl}/oauth/login`, { request: sealed, idp: 'ander' })
  assert.ok(unoffered.status >= 400, 'an identity provider that this provider does not offer')
})

check('4.9 Technische storing has its exact text, the ids, and a way back', async () => {
  const journey = await house.journey('praktijkdestoring').open()
  await journey.login()
  assertTechnicalFailure(journey, { error: 'temporarily_unavailable' })
  assertPage(journey.page, journey.page.status, 'Dit is de leverancier van het computersysteem van Praktijk De Storing.')
})
