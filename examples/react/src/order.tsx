import { api, auth } from './auth.ts'

/** A form that needs a signed-in user, and can be sent by anybody: who is not signed in signs in first. */
export function OrderForm({ onOrder }: { onOrder: (answer: Promise<Response>) => void }) {
  return (
    <form
      aria-labelledby="order"
      onSubmit={(event) => {
        event.preventDefault()
        onOrder(placeOrder(new FormData(event.currentTarget).get('title')))
      }}
    >
      <h3 id="order">Order something</h3>
      <p className="hint">Also when you are signed out: the order is kept while you sign in.</p>
      <div className="buttons">
        <input
          name="title"
          aria-label="What to order"
          defaultValue="A difference engine"
          maxLength={100}
          required
        />
        <button>Place the order</button>
      </div>
    </form>
  )
}

function placeOrder(title: unknown): Promise<Response> {
  return auth.fetch(new URL('orders', api), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ title }),
  })
}
