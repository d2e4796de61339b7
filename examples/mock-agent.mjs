// Testing an app with undici's MockAgent: the app is given a dispatcher, in production H2Dispatcher.
import assert from 'node:assert/strict';
import { H2Dispatcher } from 'passinglane/undici';
import { MockAgent, request } from 'undici';

/** The app under test. */
async function price(item, dispatcher = new H2Dispatcher()) {
  const { body } = await request(`https://shop.test/prices/${item}`, { dispatcher });
  return (await body.json()).price;
}

const agent = new MockAgent();
agent.disableNetConnect();
agent.get('https://shop.test').intercept({ path: '/prices/tea' }).reply(200, { price: 3 });
assert.equal(await price('tea', agent), 3);
console.log('tea costs 3, says the mock');
await agent.close();
