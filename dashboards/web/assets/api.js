// The HTTP API: fetching, errors as exceptions with the server's own words.

export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function ask(path, parameters, signal) {
  const query = new URLSearchParams(parameters || {}).toString();
  let response;
  try {
    response = await fetch(query ? `${path}?${query}` : path, {signal, headers: {Accept: "application/json"}});
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The server does not answer.", 0);
  }
  if (response.status === 204) return {data: null};
  let body;
  try {
    body = await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(`The server answered with status ${response.status}.`, response.status);
  }
  if (body.status !== "success") throw new ApiError(body.error || `status ${response.status}`, response.status);
  return body;
}

/** The `data` of an endpoint below /api/v1/. */
export async function get(endpoint, parameters, signal) {
  return (await ask(`/api/v1/${endpoint}`, parameters, signal)).data;
}

const toPoints = (values) => values.map(([time, value]) => [time, Number(value.replace("Inf", "Infinity"))]);

/** {series: [{labels, points: [[seconds, value]]}], notes, step} */
export async function queryRange(query, from, to, step, signal) {
  const body = await ask("/api/v1/query_range", {query, start: from, end: to, step}, signal);
  const series = body.data.result.map((item) => ({labels: item.metric, points: toPoints(item.values || [])}));
  return {series, step, notes: [...(body.warnings || []), ...(body.infos || [])]};
}

/** {type, result, notes} as the API has them. */
export async function query(expression, signal) {
  const body = await ask("/api/v1/query", {query: expression}, signal);
  return {type: body.data.resultType, result: body.data.result, notes: [...(body.warnings || []), ...(body.infos || [])]};
}

/** Incidents, the most urgent first; null when the server has no such endpoint. */
export async function incidents(signal) {
  try {
    const data = await get("incidents", null, signal);
    return Array.isArray(data) ? data : (data && data.incidents) || [];
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}
