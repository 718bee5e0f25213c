// What can be checked of the container files without a container engine: they parse, name files, settings and commands that exist.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readSettings, SETTINGS } from '../settings.ts'

const root = join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')

describe('docker-compose.yml', () => {
  type Service = { build?: string; image?: string; environment: Record<string, string>; volumes: string[] }
  const compose = parse(read('docker-compose.yml')) as { services: Record<string, Service>; volumes: Record<string, null> }
  const app = compose.services['fengsui']!

  test('holds the application and InfluxDB and no volume that is not used', () => {
    expect(Object.keys(compose.services).sort()).toEqual(['fengsui', 'influxdb'])
    const used = Object.values(compose.services).flatMap(s => s.volumes.map(v => v.split(':')[0]))
    expect(used.sort()).toEqual(Object.keys(compose.volumes).sort())
  })
  test('its settings pass the check at start', () => {
    const given = Object.entries(app.environment).filter(([name]) => name.startsWith('FENGSUI_'))
    for (const [name] of given) expect(name.replace('FENGSUI_', '') in SETTINGS, name).toBe(true)
    const filled = Object.fromEntries(given.map(([name, value]) => [name, value.startsWith('${') ? 'filled-in-by-env' : value]))
    expect(readSettings(filled, '/nowhere').influx).toMatchObject({ url: 'http://influxdb:8086', org: 'fengsui', bucket: 'fengsui' })
  })
  test('both sides agree on organisation, bucket and token, and no secret has a default', () => {
    const influx = compose.services['influxdb']!.environment
    expect(influx['DOCKER_INFLUXDB_INIT_ORG']).toBe(app.environment['FENGSUI_INFLUX_ORG'])
    expect(influx['DOCKER_INFLUXDB_INIT_BUCKET']).toBe(app.environment['FENGSUI_INFLUX_BUCKET'])
    expect(influx['DOCKER_INFLUXDB_INIT_ADMIN_TOKEN']).toBe(app.environment['FENGSUI_INFLUX_TOKEN'])
    const secrets = [...read('docker-compose.yml').matchAll(/\$\{(\w+):(.)/g)]
    expect(secrets.length).toBeGreaterThan(2)
    for (const [, name, kind] of secrets) {
      expect(kind, `${name} must be demanded, not defaulted`).toBe('?')
      expect(read('.env.example')).toMatch(new RegExp(`^${name}=$`, 'm'))
    }
  })
})

describe('Dockerfile', () => {
  const text = read('Dockerfile')
  test('copies and runs what is there', () => {
    for (const file of ['package.json', 'package-lock.json', 'bin/bootstrap.mjs', 'main.ts']) {
      expect(text).toContain(file)
      expect(existsSync(join(root, file))).toBe(true)
    }
    expect(existsSync(join(root, 'node_modules/node/bin/node'))).toBe(true)
  })
  test('does not run as root and asks /healthz', () => {
    expect(text).toMatch(/^USER node$/m)
    expect(text).toContain('/healthz')
  })
})
