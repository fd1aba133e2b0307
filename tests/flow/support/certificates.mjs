// A certificate authority of our own in a folder, with the certificates of one installation and its visitors.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'

function openssl(folder, ...parameters) {
  execFileSync('openssl', parameters, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], timeout: 20000 })
}

function makeAuthority(folder, name) {
  openssl(folder, 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '100',
    '-keyout', `${name}.key`, '-out', `${name}.crt`, '-subj', `/CN=Test authority ${name}`,
    '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign')
}

// `names` are SAN entries: ['DNS:pgo.localhost'].
export function makeCertificate(folder, name, names, authority = 'ca') {
  openssl(folder, 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '100',
    '-CA', `${authority}.crt`, '-CAkey', `${authority}.key`, '-keyout', `${name}.key`, '-out', `${name}.crt`,
    '-subj', `/CN=${name}`, '-addext', `subjectAltName=${names.join(',')}`,
    '-addext', 'basicConstraints=critical,CA:FALSE', '-addext', 'keyUsage=critical,digitalSignature',
    '-addext', 'extendedKeyUsage=serverAuth,clientAuth')
  return readCertificate(folder, name)
}

export function readCertificate(folder, name) {
  return { cert: readFileSync(path.join(folder, `${name}.crt`)), key: readFileSync(path.join(folder, `${name}.key`)) }
}

// The certificates by what is right or wrong with them.
export function makeCertificates(folder) {
  makeAuthority(folder, 'ca')
  makeAuthority(folder, 'stranger-ca')
  makeCertificate(folder, 'back', ['DNS:localhost', 'IP:127.0.0.1'])
  return {
    ca: readFileSync(path.join(folder, 'ca.crt')),
    pgo: makeCertificate(folder, 'pgo', ['DNS:pgo.localhost']),
    other: makeCertificate(folder, 'other', ['DNS:ander.localhost']),
    unlisted: makeCertificate(folder, 'unlisted', ['DNS:nergens.localhost']),
    whitelistedOnly: makeCertificate(folder, 'whitelisted-only', ['DNS:knoop.localhost']),
    wildcard: makeCertificate(folder, 'wildcard', ['DNS:*.localhost']),
    stranger: makeCertificate(folder, 'stranger', ['DNS:pgo.localhost'], 'stranger-ca'),
  }
}
