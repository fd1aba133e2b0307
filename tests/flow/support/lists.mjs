// The four MedMij lists as documents of our own, in the forms of the framework, written to a folder.
import { renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const NAMESPACE = 'xmlns://afsprakenstelsel.medmij.nl'

const escape = (text) => String(text).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')

function element(name, ...content) {
  return `<${name}>${content.join('')}</${name}>`
}

function text(name, value) {
  return element(name, escape(value))
}

function head(options) {
  const stamp = new Date(options.stampedAt ?? Date.now() - 60000).toISOString().replace(/\.\d+Z$/, '+00:00')
  return text('Tijdstempel', stamp) + text('Volgnummer', options.number ?? 1)
}

function document(root, release, options, content) {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${NAMESPACE}/${root.toLowerCase()}/${release}/">` +
    `${head(options)}${content}</${root}>\n`
}

// providers: [{ name, services: [{ id, maxDays? }] }]
function providerList(facts, options) {
  const service = ({ id, maxDays }) => element('Gegevensdienst',
    text('GegevensdienstId', id),
    element('AuthorizationEndpoint', text('AuthorizationEndpointuri', facts.authorizationEndpoint)),
    element('TokenEndpoint', text('TokenEndpointuri', facts.tokenEndpoint)),
    maxDays === undefined ? '' : element('Abonneren', text('MaximaleDuur', maxDays),
      text('SubscriptionEndpointuri', 'https://fhir.localhost/subscription')),
    element('Systeemrollen', element('Systeemrol', text('Systeemrolcode', `MM-TEST-${id}`),
      element('ResourceEndpoint', text('ResourceEndpointuri', `https://fhir.localhost/${id}`)))))
  const provider = ({ name, services }) => element('Zorgaanbieder',
    text('Zorgaanbiedernaam', `${name}@medmij`),
    text('Aanbiedertype', 'ZA'),
    element('Interfaceversies', element('Interfaceversie', text('InterfaceversieId', '2'),
      element('Gegevensdiensten', ...services.map(service)))))
  return document('Zorgaanbiederslijst', 'release3', options, element('Zorgaanbieders', ...facts.providers.map(provider)))
}

// clients: [{ host, name, services? }]
function clientList(facts, options) {
  const client = ({ host, name, services }) => element('OAuthclient',
    text('Hostname', host),
    text('OAuthclientOrganisatienaam', name),
    services ? element('Gegevensdiensten', ...services.map((id) => element('Gegevensdienst', text('GegevensdienstId', id)))) : '')
  return document('OAuthclientlist', 'release2', options, element('OAuthclients', ...facts.clients.map(client)))
}

// serviceNames: { id: name }
function serviceNameList(facts, options) {
  const service = ([id, name]) => element('Gegevensdienst', text('GegevensdienstId', id), text('Weergavenaam', name))
  return document('Gegevensdienstnamenlijst', 'release1', options,
    element('Gegevensdiensten', ...Object.entries(facts.serviceNames).map(service)))
}

function whitelist(facts, options) {
  const node = (host) => element('MedMijNode', text('Hostname', host))
  return document('Whitelist', 'release2', options, element('MedMijNodes', ...facts.whitelist.map(node)))
}

const LISTS = {
  MedMij_Zorgaanbiederslijst: providerList,
  MedMij_OAuthclientlist: clientList,
  MedMij_Gegevensdienstnamenlijst: serviceNameList,
  MedMij_Whitelist: whitelist,
}

export function listFile(folder, name) {
  return path.join(folder, `${name}.xml`)
}

// Each file is replaced in one stroke, as a publisher would.
export function writeLists(folder, facts, options = {}) {
  for (const [name, render] of Object.entries(LISTS)) {
    const file = listFile(folder, name)
    writeFileSync(`${file}.new`, render(facts, options))
    renameSync(`${file}.new`, file)
  }
}
