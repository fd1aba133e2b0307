// A real nginx in a folder of its own, with a configuration for its http level: no root, no path outside the folder.
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { until } from './patience.mjs'

export async function startNginx(folder, { http, port }) {
  const home = path.join(folder, 'nginx')
  mkdirSync(home)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `  ${name}_temp_path ${home}/${name};`)
  writeFileSync(path.join(home, 'nginx.conf'), [
    'daemon off;', 'worker_processes 1;', `pid ${home}/nginx.pid;`, `error_log ${home}/error.log info;`, 'events { worker_connections 256; }',
    'http {', `  access_log ${home}/access.log;`, ...temporary, http, '}', '',
  ].join('\n'))
  const log = openSync(path.join(home, 'start.log'), 'a')
  const child = spawn(process.env.NGINX_BIN ?? '/usr/sbin/nginx', ['-p', home, '-e', path.join(home, 'error.log'), '-c', path.join(home, 'nginx.conf')], {
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const ended = new Promise((resolve) => {
    child.once('error', resolve)
    child.once('exit', (code, signal) => resolve(code ?? signal))
  })
  process.on('exit', () => child.kill('SIGTERM')) // its workers end with it, which a SIGKILL would leave behind
  const said = () => ['start.log', 'error.log'].map((name) => { try { return readFileSync(path.join(home, name), 'utf8') } catch { return '' } }).join('')
  await until(() => `nginx answers: ${said()}`, async () => (await answers(port)) || child.exitCode !== null)
  if (child.exitCode !== null) throw new Error(`nginx ended: ${said()}`)
  return {
    errors: () => readFileSync(path.join(home, 'error.log'), 'utf8'),
    async stop() {
      child.kill('SIGQUIT')
      const status = await ended
      if (status !== 0) throw new Error(`nginx ended with ${status}: ${said()}`)
    },
  }
}

function answers(port) {
  return new Promise((resolve) => {
    const probe = net.connect(port, '127.0.0.1', () => { probe.destroy(); resolve(true) })
    probe.once('error', () => resolve(false))
  })
}
