/**
 * A port of 127.0.0.1 on which nobody listens. Below 1024, where no test can be given one by the system; one that was free a
 * moment ago may be another test's by now. The Fetch Standard blocks its neighbours, and not this one.
 */
export const closedPort = 2;
