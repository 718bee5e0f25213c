// What words of vendors say of fire: event codes, topics and categories of analytics. A name that only has fire in it (a hydrant, a fire
// lane, somebody who smokes) says nothing. Chinese words as the platforms of the trade use them.

export type Signs = { flame?: true; smoke?: true }

const NO_SIGN =
  /fire[ _-]?(?:wall|doors?|lanes?|exits?|escape|trucks?|engines?|hydrants?|extinguish\w*|control|equip\w*|place|works?|m[ae]n|fight\w*|station|box|cabinet|channel|passage)|smok(?:ing|ers?)|(?:抽|吸|香)烟|烟囱|(?:消火栓|灭火|防火)/gi
const DENIED = /^(?:no|not|non|none|without)[ _-]|^(?:无|未)/i

export function signsIn(word: string): Signs {
  const left = DENIED.test(word) ? '' : word.slice(0, 256).replaceAll(NO_SIGN, '')
  return { ...(/fire|flame|火|焰/i.test(left) && { flame: true }), ...(/smoke|烟/i.test(left) && { smoke: true }) }
}

export const hasSign = ({ flame, smoke }: Signs): boolean => flame === true || smoke === true

/** As flags that are set or cleared. */
export const flagsOf = ({ flame, smoke }: Signs, on: boolean): { flame?: boolean; smoke?: boolean } => ({
  ...(flame === true && { flame: on }),
  ...(smoke === true && { smoke: on }),
})
