/** The floor of a pull: the same pages of the inventory, one after the other, with got and nothing else. */
import got from 'got';

const [url = '', secret = '', computers = '0'] = process.argv.slice(2);
const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'd3', client_secret: secret });
const token = await got
  .post(`${url}/api/v1/oauth/token`, {
    body: body.toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  .json<{ access_token: string }>();
const headers = { authorization: `Bearer ${token.access_token}` };
const sections = ['GENERAL', 'HARDWARE', 'OPERATING_SYSTEM', 'USER_AND_LOCATION', 'PURCHASING', 'EXTENSION_ATTRIBUTES'];
let read = 0;
for (let page = 0; read < Number(computers); page += 1) {
  const query = [...sections.map((one) => `section=${one}`), `page=${page}`, 'page-size=100', 'sort=id:asc'].join('&');
  const { results } = await got(`${url}/api/v4/computers-inventory?${query}`, { headers }).json<{
    results: unknown[];
  }>();
  read += results.length;
  if (results.length === 0) break;
}
