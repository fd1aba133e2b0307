// What several test files look at in the same way.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forms, links, visibleText } from './browser.mjs'

// A test that hangs ends; one on a slow machine does not.
export const check = (name, run) => test(name, { timeout: 240000 }, run)

// That a mark stands nowhere in a text or in bytes. Eight characters are not found by chance. What is shorter is hunted as
// a word of its own: a few digits in a row stand in any long text, in a time, a port or a random id.
export function assertAbsent(mark, where, haystack) {
  const text = Buffer.isBuffer(haystack) ? haystack.toString('latin1') : haystack
  const wanted = Buffer.isBuffer(haystack) ? Buffer.from(mark).toString('latin1') : mark
  assert.ok(mark.length > 3, `${mark} is found anywhere`)
  let at = text.indexOf(wanted)
  const isLetter = (character) => /[0-9A-Za-z]/.test(character ?? '')
  const isPart = () => (isLetter(text[at - 1]) && isLetter(wanted[0])) || (isLetter(text[at + wanted.length]) && isLetter(wanted.at(-1)))
  while (mark.length < 8 && at >= 0 && isPart()) at = text.indexOf(wanted, at + 1)
  assert.equal(at, -1, `${mark} in ${where}: ...${text.slice(Math.max(0, at - 80), at + wanted.length + 20)}...`)
}

// The ways that lead from a page to the PGO: addresses of links and of forms.
export function waysBack(page) {
  const origins = [...links(page.text).map((link) => link.href), ...forms(page.text).map((form) => form.action)]
  return origins.filter((address) => address && /^https?:/.test(address) && new URL(address).hostname.endsWith('pgo.localhost'))
}

// Every page of the patient's door (spec 4.0).
export function assertPage(page, status, ...texts) {
  assert.equal(page.status, status, visibleText(page.text).slice(0, 300))
  assert.match(page.headers['content-type'] ?? '', /^text\/html; ?charset=utf-8$/i)
  assert.match(page.headers['content-security-policy'] ?? '', /frame-ancestors 'none'/)
  assert.equal(page.headers['x-frame-options'], 'DENY')
  assert.equal(page.headers['referrer-policy'], 'no-referrer')
  assert.match(page.headers['cache-control'] ?? '', /no-store/)
  assert.equal(page.headers['x-content-type-options'], 'nosniff')
  assert.match(page.text, /<html[^>]*\slang="nl"/)
  assert.doesNotMatch(page.text, /<script\b|\son[a-z]+\s*=|javascript:/i)
  const seen = visibleText(page.text)
  for (const text of texts) assert.ok(text instanceof RegExp ? text.test(seen) : seen.includes(text), `"${text}" is not on the page: ${seen.slice(0, 1500)}`)
}

// The person was sent back to the PGO with exactly these parameters.
export function assertBack(journey, expected) {
  assert.ok(journey.back, `not sent back: ${journey.page.status} ${visibleText(journey.page.text).slice(0, 300)}`)
  assert.equal(journey.page.status, 303)
  assert.ok(journey.back.startsWith(`${journey.request.redirectUri}?`), journey.back)
  assert.deepEqual(journey.answer, expected)
  assert.equal(journey.page.headers['referrer-policy'], 'no-referrer')
  assert.match(journey.page.headers['cache-control'] ?? '', /no-store/)
}

// "Technische storing" (spec 4.9), with the ids that the person is to name on the telephone.
export function assertTechnicalFailure(journey, { status, error }) {
  const isKnown = error !== undefined
  assertPage(journey.page, status ?? journey.page.status, 'Technische storing',
    'Het is op dit moment niet mogelijk om toestemming te geven of aan te passen. Er wordt gewerkt aan een oplossing. Excuses voor het ongemak.',
    'Voorbeeld DVA', '088 123 45 67')
  assert.ok(journey.page.status >= 500, String(journey.page.status))
  if (!isKnown) return assert.deepEqual(waysBack(journey.page), [])
  assertPage(journey.page, journey.page.status, journey.request.requestId, journey.request.correlationId)
  assertWayBack(journey, error)
}

// The page has one way back to the PGO, and following it says `error` and nothing else.
export function assertWayBack(journey, error) {
  const ways = [...new Set(waysBack(journey.page))]
  assert.equal(ways.length, 1, `one way back, not ${JSON.stringify(ways)}`)
  assert.deepEqual(Object.fromEntries(new URL(ways[0]).searchParams), { error, state: journey.request.state })
  return ways[0]
}

// A page with an error of the request itself: no redirect, and no way to the PGO, which may be anybody's (exception 1a).
export function assertErrorPageWithoutLink(answer) {
  assertPage(answer, 400)
  assert.equal(answer.headers.location, undefined)
  assert.deepEqual(links(answer.text).filter(({ href }) => /^https?:/.test(href ?? '') && !href.includes('localhost:')), [])
  assert.deepEqual(waysBack(answer), [])
  assert.doesNotMatch(answer.text, /pgo\.localhost|evil/)
}

// An error of the token endpoint (spec 3.9): JSON, never to be stored, with the code and nothing that tells more.
export function assertTokenError(answer, status, error) {
  assert.equal(answer.status, status, answer.text)
  assert.match(answer.headers['content-type'] ?? '', /^application\/json/)
  assert.match(answer.headers['cache-control'] ?? '', /no-store/)
  assert.equal(answer.json?.error, error, answer.text)
  assert.deepEqual(Object.keys(answer.json).filter((key) => !['error', 'error_description'].includes(key)), [])
  if (status === 401) assert.ok(answer.headers['www-authenticate'], 'WWW-Authenticate with 401')
}

// What the event log says of one journey, in order.
export function eventsOf(house, journey) {
  return house.events().filter((line) => line.event.trace_id === journey.request.requestId).map((line) => line.event.type)
}
