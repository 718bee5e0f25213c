// Node-RED loads this file by name; the node itself is in lib/rule-node.ts, the engine it judges with comes from where the rooms meet.
import { engine } from '../../parts/rule-engine.ts'
import { ruleNode } from './lib/rule-node.ts'

export default ruleNode(engine)
