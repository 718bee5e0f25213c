// A native modal dialog: focus is kept inside by the browser, Escape closes, and the focus goes back to where it came from.
import { useEffect, useRef } from 'preact/hooks'
import type { ComponentChildren } from 'preact'

type ModalProps = { title: string; onClose: () => void; stays?: boolean; children: ComponentChildren }

/** `stays`: Escape does not close it; only what stands in it does. */
export const Modal = ({ title, onClose, stays = false, children }: ModalProps) => {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const from = document.activeElement
    dialog.current?.showModal()
    return () => {
      if (from instanceof HTMLElement && from.isConnected) from.focus({ preventScroll: true })
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      onCancel={event => stays && event.preventDefault()}
      onClose={() => (stays ? dialog.current?.showModal() : onClose())}
      aria-label={title}
    >
      <h2>{title}</h2>
      {children}
    </dialog>
  )
}
