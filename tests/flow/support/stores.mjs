// A fresh store for each server: a file, or, with STORE_URL set, a database of its own on that PostgreSQL.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

export const isPostgres = Boolean(process.env.STORE_URL)

let count = 0

function withDatabase(url, name) {
  const address = new URL(url)
  address.pathname = `/${name}`
  return address.href
}

function psql(url, sql) {
  return execFileSync('psql', ['--no-psqlrc', '--quiet', '--tuples-only', '--no-align', '--set', 'ON_ERROR_STOP=1', '--command', sql, url],
    { encoding: 'utf8', timeout: 90000, stdio: ['ignore', 'pipe', 'pipe'] })
}

export function makeStore(folder) {
  if (!isPostgres) {
    const file = path.join(folder, 'sluis.db')
    return {
      url: `sqlite:${file}`,
      // Everything that is on the disk, log of writes included.
      bytes: () => Buffer.concat(readdirSync(folder).filter((name) => name.startsWith('sluis.db')).map((name) => readFileSync(path.join(folder, name)))),
      query: (sql) => execFileSync('sqlite3', ['-cmd', '.timeout 60000', file, sql], { encoding: 'utf8', timeout: 90000 }),
      execute: (sql) => execFileSync('sqlite3', ['-cmd', '.timeout 60000', file, sql], { encoding: 'utf8', timeout: 90000 }),
    }
  }
  // The password travels by the environment, as the manual has it: none in a configuration file.
  const server = new URL(process.env.STORE_URL)
  if (server.password) process.env.PGPASSWORD = decodeURIComponent(server.password)
  server.password = ''
  const name = `flow_${process.pid}_${++count}`
  const url = withDatabase(server.href, name)
  psql(server.href, `CREATE DATABASE ${name}`)
  return {
    url,
    bytes: () => execFileSync('pg_dump', ['--dbname', url], { timeout: 90000, maxBuffer: 1 << 28 }),
    query: (sql) => psql(url, sql),
    execute: (sql) => psql(url, sql),
  }
}
