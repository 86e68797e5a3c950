import type { ReactNode } from 'react'
import { StartAuth } from './session'

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <StartAuth />
        {children}
      </body>
    </html>
  )
}
