// What the bundler gives besides modules.
declare module '*.css'
declare module '*?url' {
  const url: string
  export default url
}
