// The pod of `helm test`: the API is ready, and answers with its version. Prints what is missing.
(async () => {
  const { API, PREFIX } = process.env;
  const get = (path) => fetch(API + path, { signal: AbortSignal.timeout(10_000) });
  const ready = await (await get('/ready')).json();
  for (const { name, ready: ok, detail } of ready.dependencies)
    console.log(`${ok ? 'ready' : 'NOT READY'}: ${name}: ${detail}`);
  if (!ready.ready) throw new Error('the service is not ready');
  const version = await get(`${PREFIX}/version`);
  console.log(`GET ${PREFIX}/version: ${version.status} ${await version.text()}`);
  if (version.status !== 200) throw new Error('the service does not respond');
})().catch((error) => {
  console.error(
    `The API at ${process.env.API} failed the test: ${error.message}${error.cause ? ` (${error.cause.message})` : ''}`,
  );
  process.exitCode = 1;
});
