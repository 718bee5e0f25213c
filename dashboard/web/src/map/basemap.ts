// The base map's tiles: one file on our own server, read in byte ranges. A district without tiles is drawn from its GeoJSON.
import { addProtocol } from 'maplibre-gl'
import { FetchSource, PMTiles, Protocol } from 'pmtiles'

const protocol = new Protocol()
addProtocol('pmtiles', protocol.tile)

/** The source's address for the style, or null where the district has no tiles (404) or they cannot be read. */
export const findTiles = async (): Promise<string | null> => {
  const address = new URL('/api/v1/district/basemap.pmtiles', location.origin).href
  const archive = new PMTiles(new FetchSource(address))
  try {
    await archive.getHeader()
  } catch {
    return null
  }
  protocol.add(archive)
  return `pmtiles://${address}`
}
