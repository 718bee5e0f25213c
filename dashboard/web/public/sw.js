// Keeps the page itself on the device of whoever goes to the scene, so that a reload without a network opens. Never an answer of the
// API: old data comes from the page's own memory, where its age is known.
const NAME = 'fengsui-page-v1'

self.addEventListener('install', () => self.skipWaiting())
self.addEventListener('activate', event => event.waitUntil(self.clients.claim()))

/** Files of a page and the pages before it; the oldest make room. */
const KEPT_MAX = 120

const prune = async cache => {
  const keys = await cache.keys()
  for (const key of keys.slice(0, Math.max(0, keys.length - KEPT_MAX))) await cache.delete(key)
}

const isPage = url => url.pathname === '/' || url.pathname.startsWith('/assets/')

/** Files with a hash in their name never change; the page itself is asked for first, and taken from here when nobody answers. */
const answer = async request => {
  const cache = await caches.open(NAME)
  const url = new URL(request.url)
  const key = url.pathname === '/' ? '/' : request
  const kept = await cache.match(key)
  if (kept !== undefined && url.pathname !== '/') return kept
  try {
    const fresh = await fetch(request)
    if (fresh.ok) {
      await cache.put(key, fresh.clone())
      await prune(cache)
    }
    return fresh
  } catch (error) {
    if (kept !== undefined) return kept
    throw error
  }
}

self.addEventListener('fetch', event => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method === 'GET' && url.origin === self.location.origin && isPage(url)) event.respondWith(answer(request))
})
