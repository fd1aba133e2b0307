// A browser without a screen: cookies by host, redirects one step at a time, forms as they stand on the page.
import http from 'node:http'
import https from 'node:https'
import { lookupLoopback } from './ports.mjs'

const TIMEOUT_MS = 60000

// One exchange, byte for byte as asked. `target` overrides the path, for requests that a URL object would tidy up.
export function exchange(url, { method = 'GET', headers = {}, body, tls = {}, target, timeout = TIMEOUT_MS, agent } = {}) {
  const address = new URL(url)
  const library = address.protocol === 'https:' ? https : http
  return new Promise((resolve, reject) => {
    const request = library.request({
      method,
      host: address.hostname,
      port: address.port,
      path: target ?? address.pathname + address.search,
      headers: { ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }), ...headers },
      lookup: lookupLoopback,
      agent: agent ?? false,
      ...tls,
    }, (response) => {
      const pieces = []
      response.on('data', (piece) => pieces.push(piece))
      response.on('end', () => {
        const bytes = Buffer.concat(pieces)
        resolve({ url, status: response.statusCode, headers: response.headers, rawHeaders: response.rawHeaders, bytes, text: bytes.toString('utf8') })
      })
      response.on('error', reject)
    })
    request.setTimeout(timeout, () => request.destroy(new Error(`no answer within ${timeout} ms: ${method} ${address.origin}${address.pathname}`)))
    request.on('error', reject)
    request.end(body)
  })
}

export class Browser {
  constructor() {
    this.jar = new Map() // host -> Map(name -> value)
    this.history = [] // every answer, in order
  }

  cookies(url) {
    return this.jar.get(new URL(url).hostname) ?? new Map()
  }

  async request(url, options = {}) {
    const cookies = [...this.cookies(url)].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { Accept: 'text/html', ...(cookies ? { Cookie: cookies } : {}), ...options.headers }
    const answer = await exchange(url, { ...options, headers })
    this.keep(url, answer.headers['set-cookie'] ?? [])
    this.history.push(answer)
    return answer
  }

  keep(url, lines) {
    const host = new URL(url).hostname
    for (const line of lines) {
      const [pair, ...attributes] = line.split(';').map((part) => part.trim())
      const at = pair.indexOf('=')
      const jar = this.jar.get(host) ?? new Map()
      const isGone = attributes.some((attribute) => /^max-age=(0|-)/i.test(attribute) || /^expires=thu, 01 jan 1970/i.test(attribute))
      if (isGone) jar.delete(pair.slice(0, at))
      else jar.set(pair.slice(0, at), pair.slice(at + 1))
      this.jar.set(host, jar)
    }
  }

  get(url, options) {
    return this.request(url, options)
  }

  post(url, fields, options = {}) {
    return this.request(url, {
      ...options,
      method: 'POST',
      body: typeof fields === 'string' ? fields : new URLSearchParams(fields).toString(),
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...options.headers },
    })
  }

  // Follows redirects until a page comes, or until `isEnd` says that an address is not to be visited any more; the answer
  // then has that address in `location`.
  async follow(answer, isEnd = () => false) {
    for (let steps = 0; steps < 15; steps++) {
      if (answer.status < 300 || answer.status > 399 || !answer.headers.location) return { ...answer, location: undefined }
      const location = new URL(answer.headers.location, answer.url).href
      if (isEnd(location)) return { ...answer, location, rawLocation: answer.headers.location }
      answer = await this.get(location)
    }
    throw new Error('too many redirects')
  }

  // Presses a button of a form on a page; without a choice the first one, as the Enter key does.
  submit(page, { action, button, fields = {} } = {}) {
    const candidates = forms(page.text).filter((form) => action === undefined || form.action.endsWith(action))
    const form = candidates.find((one) => button === undefined || one.buttons.some((b) => matches(b, button)))
    if (!form) throw new Error(`no such form on the page: ${JSON.stringify({ action, button })}: ${page.status} ${visibleText(page.text).slice(0, 400)}`)
    const pressed = form.buttons.find((b) => button === undefined || matches(b, button))
    const values = { ...form.fields, ...(pressed?.name ? { [pressed.name]: pressed.value } : {}), ...fields }
    const url = new URL(form.action, page.url).href
    if (form.method === 'get') return this.get(`${url}?${new URLSearchParams(values)}`)
    return this.post(url, values)
  }
}

function matches(button, wanted) {
  if (typeof wanted === 'string') return button.text === wanted
  return Object.entries(wanted).every(([key, value]) => button[key] === value)
}

export function unescape(text) {
  return text.replace(/&(#x[0-9a-f]+|#\d+|amp|lt|gt|quot|apos);/gi, (whole, name) => {
    if (name[0] === '#') return String.fromCodePoint(name[1].toLowerCase() === 'x' ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10))
    return { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }[name.toLowerCase()]
  })
}

function attributes(tag) {
  const found = {}
  for (const [, name, quoted, single, bare] of tag.matchAll(/\s([a-z-]+)(?:=(?:"([^"]*)"|'([^']*)'|([^\s>]+)))?/gi)) {
    found[name.toLowerCase()] = unescape(quoted ?? single ?? bare ?? '')
  }
  return found
}

// What a person reads: tags out, white space in one.
export function visibleText(html) {
  return unescape(html.replace(/<(head|style|script)\b[^]*?<\/\1>/gi, ' ').replace(/<[^>]*>/g, ' ')).replace(/\s+/g, ' ').trim()
}

// The forms of a page with the values that a submit without a click would send; an unticked box is listed apart.
export function forms(html) {
  return [...html.matchAll(/<form\b([^>]*)>([^]*?)<\/form>/gi)].map(([, tag, content]) => {
    const own = attributes(` ${tag}`)
    const form = { action: own.action ?? '', method: (own.method ?? 'get').toLowerCase(), fields: {}, boxes: [], buttons: [] }
    for (const [, input] of content.matchAll(/<input\b([^>]*)>/gi)) {
      const field = attributes(` ${input}`)
      if (field.type === 'checkbox' || field.type === 'radio') {
        form.boxes.push({ name: field.name, value: field.value ?? 'on', isTicked: 'checked' in field })
        if ('checked' in field) form.fields[field.name] = field.value ?? 'on'
      } else if (field.type === 'submit') {
        form.buttons.push({ name: field.name, value: field.value, text: field.value })
      } else if (field.name) {
        form.fields[field.name] = field.value ?? ''
      }
    }
    for (const [, button, inner] of content.matchAll(/<button\b([^>]*)>([^]*?)<\/button>/gi)) {
      const field = attributes(` ${button}`)
      form.buttons.push({ name: field.name, value: field.value ?? '', text: visibleText(inner) })
    }
    return form
  })
}

export function links(html) {
  return [...html.matchAll(/<a\b([^>]*)>([^]*?)<\/a>/gi)].map(([, tag, inner]) => ({ href: attributes(` ${tag}`).href, text: visibleText(inner) }))
}
