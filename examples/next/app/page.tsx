import { User } from './session'

export default function Page() {
  return (
    <main>
      <h1>Next.js example</h1>
      <User />
    </main>
  )
}
