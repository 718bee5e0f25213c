// A native modal dialog: focus is kept inside by the browser, Escape closes, and the focus goes back to where it came from.
import { useEffect, useRef } from 'preact/hooks'
import type { ComponentChildren } from 'preact'

export const Modal = ({ title, onClose, children }: { title: string; onClose: () => void; children: ComponentChildren }) => {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const from = document.activeElement
    dialog.current?.showModal()
    return () => {
      if (from instanceof HTMLElement && from.isConnected) from.focus({ preventScroll: true })
    }
  }, [])
  return (
    <dialog ref={dialog} onClose={onClose} aria-label={title}>
      <h2>{title}</h2>
      {children}
    </dialog>
  )
}
