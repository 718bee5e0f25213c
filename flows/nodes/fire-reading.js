// Node-RED loads this file by name; the node itself is in lib/reading-node.ts.
export { default } from './lib/reading-node.ts'
