// Notices spaced in time: the newest is told, once.
import { expect, test, vi } from 'vitest'
import { spaced } from '../../processes/spaced.ts'

test('of what comes in quick succession the newest is told, once, and what comes later again', () => {
  vi.useFakeTimers()
  try {
    const told: number[] = []
    const tell = spaced(100, (value: number) => void told.push(value))
    for (const value of [1, 2, 3]) tell(value)
    vi.advanceTimersByTime(99)
    expect(told).toEqual([])
    vi.advanceTimersByTime(1)
    expect(told).toEqual([3])
    vi.advanceTimersByTime(1000)
    expect(told).toEqual([3])
    tell(4)
    vi.advanceTimersByTime(100)
    expect(told).toEqual([3, 4])
  } finally {
    vi.useRealTimers()
  }
})
