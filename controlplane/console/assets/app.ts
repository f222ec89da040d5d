// The page as a whole: who is signed in, what is looked at, and the frame around it.
import { h } from 'preact';
import type { ComponentChild } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import { Api } from './api.ts';
import { Frame } from './frame.ts';
import { routeOf } from './route.ts';
import { codeIn, forgetSession, keepSession, keptSession } from './session.ts';
import type { Session } from './session.ts';
import { exchangeCode, sessionOf, signOut } from './sign-in.ts';
import { SignInPage } from './sign-in-page.ts';

export function App(): ComponentChild {
  const [session, setSession] = useState<Session | undefined>(() => keptSession(sessionStorage));
  const [message, setMessage] = useState<string | undefined>(undefined);
  const [hash, setHash] = useState(location.hash);
  const [isExchanging, setExchanging] = useState(codeIn(location.hash) !== undefined);
  const hasBegun = useRef(false);

  const enter = (entered: Promise<Session>): Promise<void> =>
    entered.then(
      (found) => {
        keepSession(sessionStorage, found);
        setMessage(undefined);
        setSession(found);
      },
      (error: unknown) => setMessage((error as Error).message),
    );
  const leave = (why: string | undefined): void => {
    forgetSession(sessionStorage);
    setMessage(why);
    setSession(undefined);
  };

  useEffect(() => {
    const onHash = (): void => {
      const code = codeIn(location.hash);
      if (code === undefined) {
        setHash(location.hash);
        return;
      }
      // Out of the address and the history before anything else.
      history.replaceState(undefined, '', '#/services');
      setHash(location.hash);
      setExchanging(true);
      void enter(exchangeCode(code)).finally(() => setExchanging(false));
    };
    if (!hasBegun.current) onHash();
    hasBegun.current = true;
    addEventListener('hashchange', onHash);
    return () => removeEventListener('hashchange', onHash);
  }, []);

  const token = session?.token;
  const api = useMemo(
    () =>
      token === undefined
        ? undefined
        : new Api(token, () => leave('The session is over: sign in again.')),
    [token],
  );
  if (isExchanging)
    return h('main', { 'aria-busy': true }, h('p', { role: 'status' }, 'Signing in'));
  if (session === undefined || api === undefined)
    return h(SignInPage, { message, onToken: (pasted) => enter(sessionOf(pasted)) });
  return h(Frame, {
    api,
    user: session.user,
    route: routeOf(hash),
    onSignOut: () => {
      void signOut(session);
      leave(undefined);
    },
  });
}
