// Served only when a proxy signs every request: a token left from a sign-in of the editor's own would be sent over the editor's
// socket, be out of date, and bring up a second login.
try {
  localStorage.removeItem('auth-tokens-flows')
} catch {
  // no local storage: then there is no token either
}
