// Where film stands on the desk: fetched with its words when a camera is there to be looked at.
import { learnPages } from '../i18n.ts'
import { lazy } from '../lazy.tsx'

const Nothing = () => null
const withWords = async <T,>(load: Promise<T>): Promise<T> => (await Promise.all([load, learnPages()]))[0]

export const BesideSlot = lazy(async () => (await withWords(import('./beside.tsx'))).Beside, Nothing)
export const FilmSlot = lazy(async () => (await withWords(import('./film.tsx'))).FilmOrWhy, Nothing)
