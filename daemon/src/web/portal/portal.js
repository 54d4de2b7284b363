'use strict';
(() => {
  const TEXTS = {
    en: {
      'title': 'Tencent Cloud access', 'brand': 'Tencent Cloud access', 'skip': 'Skip to the content',
      'welcome': 'Your access to Tencent Cloud',
      'sign-in-why': 'Sign in with your company account to apply for a sub-user, follow the application, or get a password.',
      'sign-in-with': 'Sign in: {0}', 'sign-in': 'Sign in with your company account',
      'no-sources': 'Nobody can sign in here at the moment; ask your administrator.',
      'sign-out': 'Sign out', 'signed-out-now': 'You are signed out.',
      'sub-user': 'Sub-user', 'username': 'Username', 'account': 'Root account ID', 'sign-in-at': 'Sign in at',
      'state-none': 'You have no sub-user.', 'state-making': 'Your sub-user is being made. This takes a moment.',
      'state-held': 'Your sub-user could not be made yet. Your administrator can see why.',
      'state-active': 'You have a sub-user.', 'state-suspended': 'Your sub-user is suspended. Ask your administrator.',
      'state-off': 'You have a sub-user whose console sign-in is off.',
      'get-password': 'Get a new password', 'password-warning': 'A password that you have now stops working. The new one is shown once.',
      'password-yes': 'Set a new password', 'cancel': 'Cancel', 'password': 'New password', 'copy': 'Copy', 'copied': 'Copied.',
      'copy-failed': 'It could not be copied; select the text and copy it.',
      'password-once': 'It is shown this once. You must change it when you first sign in.',
      'password-ready': 'Your new password is ready.', 'go': 'Sign in to Tencent Cloud', 'hide': 'Hide it',
      'application': 'Application', 'reason': 'What do you need access for? (optional)', 'apply': 'Apply for a sub-user',
      'withdraw': 'Withdraw the application', 'applied': 'Your application was made.', 'withdrawn-now': 'Your application was withdrawn.',
      'app-pending': 'Your application of {0} waits for an administrator.',
      'app-approved': 'Your application of {0} was approved.',
      'app-denied': 'Your application of {0} was denied.',
      'app-withdrawn-member': 'You withdrew your application of {0}.',
      'app-withdrawn-expired': 'Nobody answered your application of {0} in time. You may apply again.',
      'app-withdrawn-left': 'Your application of {0} has ended.',
      'app-withdrawn-not_asked': 'Your application of {0} has ended: none is needed any more.',
      'app-note': 'The administrator says: {0}',
      'rights': 'What you may do', 'groups': 'Groups', 'policies': 'Policies', 'none': 'none',
      'e-network': 'The server does not answer. Try again.',
      'e-failed': 'It did not work. Try again later, or ask your administrator.',
      'e-no-such-source': 'There is no such way to sign in.',
      'e-signed-out': 'You are signed out. Sign in again.',
      'e-state': 'This sign-in was not begun in this browser, or took too long. Begin again.',
      'e-declined': 'You were not signed in. If you are not a member, ask your administrator.',
      'e-code': 'This sign-in is not valid any more. Begin again.',
      'e-provider': 'The sign-in service does not answer. Try again in a while.',
      'e-stranger': 'You are not a member of this enterprise.',
      'e-not-in-snapshot': 'You are not among the members who may use this. Ask your administrator.',
      'e-csrf': 'This page is out of date. Load it again.',
      'e-invalid': 'That could not be understood.', 'e-too-large': 'That is too long.',
      'e-too-many': 'That was too often. Try again later.',
      'e-has-sub-user': 'You have a sub-user already.', 'e-open-application': 'Your application waits for an answer already.',
      'e-approved': 'Your application is approved; the sub-user is being made.',
      'e-not-needed': 'You get a sub-user without an application, within minutes.',
      'e-not-offered': 'You cannot apply here. Ask your administrator.',
      'e-no-open-application': 'There is no application to withdraw.', 'e-no-sub-user': 'You have no sub-user.',
      'e-adopted': 'This sub-user existed before. An administrator gives you a password.',
      'e-suspended': 'Your sub-user is suspended. Ask your administrator.',
      'e-sign-in-off': 'Console sign-in of your sub-user is off.',
      'e-sso': 'You sign in through your enterprise; there is no password.',
      'e-sub-user-busy': 'Your sub-user is being changed. Try again in a moment.',
      'e-frozen': 'An administrator has stopped all changes for now.',
      'e-no-cloud': 'There are no passwords here.', 'e-closing': 'The service is being restarted. Try again in a moment.',
    },
    zh: {
      'title': '腾讯云访问', 'brand': '腾讯云访问', 'skip': '跳到正文',
      'welcome': '您的腾讯云访问',
      'sign-in-why': '用企业账号登录，即可申请子用户、查看申请进度或获取密码。',
      'sign-in-with': '登录：{0}', 'sign-in': '用企业账号登录',
      'no-sources': '目前无法在此登录；请联系管理员。',
      'sign-out': '退出', 'signed-out-now': '已退出登录。',
      'sub-user': '子用户', 'username': '用户名', 'account': '主账号 ID', 'sign-in-at': '登录地址',
      'state-none': '您还没有子用户。', 'state-making': '正在创建您的子用户，请稍候。',
      'state-held': '您的子用户暂时无法创建，管理员可以看到原因。',
      'state-active': '您已有子用户。', 'state-suspended': '您的子用户已被停用，请联系管理员。',
      'state-off': '您已有子用户，但其控制台登录已关闭。',
      'get-password': '获取新密码', 'password-warning': '您现有的密码将失效。新密码只显示一次。',
      'password-yes': '设置新密码', 'cancel': '取消', 'password': '新密码', 'copy': '复制', 'copied': '已复制。',
      'copy-failed': '无法自动复制，请选中后手动复制。',
      'password-once': '只显示这一次。首次登录时必须修改。',
      'password-ready': '新密码已生成。', 'go': '登录腾讯云', 'hide': '隐藏',
      'application': '申请', 'reason': '申请用途（可不填）', 'apply': '申请子用户',
      'withdraw': '撤回申请', 'applied': '申请已提交。', 'withdrawn-now': '申请已撤回。',
      'app-pending': '您于 {0} 提交的申请正等待管理员处理。',
      'app-approved': '您于 {0} 提交的申请已获批准。',
      'app-denied': '您于 {0} 提交的申请被拒绝。',
      'app-withdrawn-member': '您已撤回 {0} 提交的申请。',
      'app-withdrawn-expired': '您于 {0} 提交的申请逾期无人处理，可以再次申请。',
      'app-withdrawn-left': '您于 {0} 提交的申请已结束。',
      'app-withdrawn-not_asked': '您于 {0} 提交的申请已结束：已无需申请。',
      'app-note': '管理员说明：{0}',
      'rights': '您的权限', 'groups': '用户组', 'policies': '策略', 'none': '无',
      'e-network': '服务器没有应答，请重试。',
      'e-failed': '操作未成功，请稍后再试，或联系管理员。',
      'e-no-such-source': '没有这种登录方式。',
      'e-signed-out': '您已退出登录，请重新登录。',
      'e-state': '此次登录不是在本浏览器发起，或已超时，请重新开始。',
      'e-declined': '未能登录。如果您不是成员，请联系管理员。',
      'e-code': '此次登录已失效，请重新开始。',
      'e-provider': '登录服务没有应答，请稍后再试。',
      'e-stranger': '您不是该企业的成员。',
      'e-not-in-snapshot': '您不在可使用此服务的成员之列，请联系管理员。',
      'e-csrf': '页面已过期，请刷新。',
      'e-invalid': '无法识别所填内容。', 'e-too-large': '内容过长。',
      'e-too-many': '操作过于频繁，请稍后再试。',
      'e-has-sub-user': '您已有子用户。', 'e-open-application': '您的申请正在等待处理。',
      'e-approved': '申请已获批准，正在创建子用户。',
      'e-not-needed': '您无需申请，子用户会在几分钟内创建。',
      'e-not-offered': '您不能在此申请，请联系管理员。',
      'e-no-open-application': '没有可撤回的申请。', 'e-no-sub-user': '您还没有子用户。',
      'e-adopted': '此子用户早已存在，密码须由管理员提供。',
      'e-suspended': '您的子用户已被停用，请联系管理员。',
      'e-sign-in-off': '您的子用户的控制台登录已关闭。',
      'e-sso': '您通过企业身份登录，没有密码。',
      'e-sub-user-busy': '您的子用户正在变更，请稍后再试。',
      'e-frozen': '管理员已暂停所有变更。',
      'e-no-cloud': '此处没有密码。', 'e-closing': '服务正在重启，请稍后再试。',
    },
  };
  const BASE = document.body.dataset.base;
  const $ = (id) => document.getElementById(id);
  const remembered = (key, value) => {
    // A browser may keep nothing; then nothing is remembered.
    try {
      if (value === undefined) return sessionStorage.getItem(key) ?? localStorage.getItem(key);
      (key === 'language' ? localStorage : sessionStorage).setItem(key, value);
    } catch { /* private browsing */ }
    return null;
  };
  let language = remembered('language') || (document.documentElement.lang === 'zh' ? 'zh' : 'en');
  let me = null;
  let said = { error: document.body.dataset.error, done: '' };
  let timer = 0;
  let pause = 4000;

  const text = (key, ...with_) => {
    const found = TEXTS[language][key] ?? TEXTS.en[key] ?? '';
    return with_.reduce((made, value, i) => made.replace(`{${i}}`, () => value), found);
  };
  const moment = (time) => new Intl.DateTimeFormat(language === 'zh' ? 'zh-CN' : 'en-GB',
    { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(time));
  const show = (id, shown) => { $(id).hidden = !shown; };
  const put = (id, value) => { $(id).textContent = value; };

  const say = (error, done) => {
    said = { error: error || '', done: done || '' };
    const known = said.error && (TEXTS.en['e-' + said.error] ? said.error : 'failed');
    put('error', known ? text('e-' + known) : '');
    show('error', Boolean(known));
    put('done', said.done ? text(said.done) : '');
  };

  const list = (id, values) => {
    const items = (values.length ? values : [null]).map((value) => {
      const item = document.createElement('li');
      item.textContent = value ?? text('none');
      if (value === null) item.className = 'none';
      return item;
    });
    $(id).replaceChildren(...items);
  };

  const drawSubUser = () => {
    const user = me.sub_user;
    let state = 'state-none';
    if (user) state = user.suspended ? 'state-suspended' : user.console_login ? 'state-active' : 'state-off';
    else if (me.held_up) state = 'state-held';
    else if (me.being_made || me.cannot_apply === 'not-needed') state = 'state-making';
    put('sub-user-state', text(state));
    show('sub-user-facts', Boolean(user));
    put('username', user ? user.username : '');
    put('account', me.account || '');
    for (const id of ['sign-in-url', 'go']) $(id).href = me.sign_in_url;
    put('sign-in-url', me.sign_in_url);
    const shown = !$('password-shown').hidden || !$('password-confirm').hidden;
    show('password-area', Boolean(user) && !user.suspended);
    show('password-ask', me.can_set_password && !shown);
    put('password-why', me.can_set_password ? '' : text('e-' + me.cannot_set_password));
    show('password-why', !me.can_set_password);
  };

  const drawApplication = () => {
    const row = me.application;
    const current = row && !(row.status === 'withdrawn' && row.ended === 'member')
      && !(me.sub_user && row.status !== 'pending');
    const blocked = !me.can_apply && me.cannot_apply === 'not-offered' && !me.sub_user;
    show('application-card', Boolean(current) || me.can_apply || blocked);
    let state = blocked ? text('e-not-offered') : '';
    if (current) {
      const key = row.status === 'withdrawn' ? `app-withdrawn-${row.ended}` : `app-${row.status}`;
      state = text(key, moment(row.created_at));
    }
    if ($('application-state').textContent !== state) put('application-state', state);
    show('application-state', Boolean(state));
    put('application-reason', current ? row.reason : '');
    show('application-reason', Boolean(current && row.reason));
    put('application-note', current && row.note ? text('app-note', row.note) : '');
    show('application-note', Boolean(current && row.note));
    show('apply', me.can_apply);
    show('withdraw', Boolean(row && row.status === 'pending'));
  };

  const draw = () => {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
    document.title = text('title');
    for (const element of document.querySelectorAll('[data-t]')) element.textContent = text(element.dataset.t);
    const other = language === 'zh' ? 'en' : 'zh';
    put('language', other === 'zh' ? '中文' : 'English');
    $('language').lang = other;
    say(said.error, said.done);
    show('signed-in', Boolean(me));
    show('signed-out', !me);
    const links = document.querySelectorAll('#sources a');
    show('no-sources', !links.length);
    for (const link of links) {
      link.textContent = links.length === 1 ? text('sign-in') : text('sign-in-with', link.dataset.source);
    }
    if (!me) return;
    const name = me.name || me.member;
    put('name', name);
    put('avatar', [...name][0] || '');
    put('identity', `${me.member} · ${me.source}`);
    drawSubUser();
    drawApplication();
    show('rights', Boolean(me.sub_user) || me.groups.length + me.policies.length > 0);
    list('groups', me.groups);
    list('policies', me.policies);
  };

  const ask = async (method, path, body) => {
    const options = { method, credentials: 'same-origin', cache: 'no-store', headers: { accept: 'application/json' } };
    if (method !== 'GET') options.headers['x-csrf-token'] = me ? me.csrf : '';
    if (body !== undefined) {
      options.headers['content-type'] = 'application/json';
      options.body = JSON.stringify(body);
    }
    let answer;
    try {
      answer = await fetch(`${BASE}/portal/api/${path}`, options);
    } catch {
      throw { code: 'network' };
    }
    const document_ = answer.status === 204 ? null : await answer.json().catch(() => null);
    if (!answer.ok) throw { code: (document_ && document_.code) || 'failed', status: answer.status };
    return document_;
  };

  const follow = () => {
    clearTimeout(timer);
    if (!me) return;
    const waits = me.being_made || (me.application && me.application.status === 'pending');
    if (!waits) { pause = 4000; return; }
    timer = setTimeout(async () => {
      pause = Math.min(pause * 1.3, 30000);
      if (!document.hidden) await load(true);
      else follow();
    }, pause);
  };

  const load = async (quietly) => {
    try {
      me = await ask('GET', 'me');
    } catch (problem) {
      if (problem.code === 'signed-out') {
        if (me) say('signed-out');
        me = null;
      } else if (!quietly) {
        say(problem.code);
      }
    }
    draw();
    follow();
  };

  const act = (button, work) => async (event) => {
    event.preventDefault();
    const element = $(button);
    if (element.disabled) return;
    element.disabled = true;
    say();
    let done;
    try {
      done = await work();
    } catch (problem) {
      await load(true);
      say(problem.code);
      if (!$('error').hidden) $('error').scrollIntoView({ block: 'nearest' });
      return;
    } finally {
      element.disabled = false;
    }
    pause = 2000;
    said.done = done || '';
    await load(true);
    say('', done);
  };

  const forgetPassword = () => {
    put('password', '');
    show('password-shown', false);
    show('password-confirm', false);
  };
  const hidePassword = () => {
    forgetPassword();
    draw();
  };
  const selectPassword = () => {
    const range = document.createRange();
    range.selectNodeContents($('password'));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  };

  $('language').addEventListener('click', () => {
    language = language === 'zh' ? 'en' : 'zh';
    remembered('language', language);
    draw();
  });
  const submit = document.querySelector('#apply button');
  submit.id = 'apply-submit';
  $('apply').addEventListener('submit', act('apply-submit', async () => {
    await ask('POST', 'application', { reason: $('reason').value });
    $('reason').value = '';
    return 'applied';
  }));
  $('withdraw').addEventListener('click', act('withdraw', async () => {
    await ask('DELETE', 'application');
    return 'withdrawn-now';
  }));
  $('password-ask').addEventListener('click', () => {
    show('password-confirm', true);
    draw();
    $('password-yes').focus();
  });
  $('password-no').addEventListener('click', () => {
    hidePassword();
    $('password-ask').focus();
  });
  $('password-yes').addEventListener('click', act('password-yes', async () => {
    const answer = await ask('POST', 'password');
    put('password', answer.password);
    show('password-confirm', false);
    show('password-shown', true);
    $('copy').focus();
    // It does not stand there for whoever comes by later.
    setTimeout(() => { if ($('password').textContent === answer.password) hidePassword(); }, 5 * 60000);
    return 'password-ready';
  }));
  $('copy').addEventListener('click', async () => {
    let copied = false;
    try {
      await navigator.clipboard.writeText($('password').textContent);
      copied = true;
    } catch {
      // Older browsers copy what is selected.
      selectPassword();
      copied = document.execCommand('copy');
    }
    say('', copied ? 'copied' : 'copy-failed');
  });
  $('password-hide').addEventListener('click', hidePassword);
  $('sign-out').addEventListener('click', act('sign-out', async () => {
    await ask('POST', 'sign-out');
    remembered('tried', 'yes');
    me = null;
    forgetPassword();
    return 'signed-out-now';
  }));
  // A page that comes back out of the browser's memory shows no password, and asks anew who is signed in.
  addEventListener('pagehide', forgetPassword);
  addEventListener('pageshow', (event) => { if (event.persisted) load(true); });
  document.addEventListener('visibilitychange', () => { if (!document.hidden && me) load(true); });

  load(false).then(() => {
    // Inside the WeCom app signing in asks nothing of anybody: done at once, but once only.
    const links = document.querySelectorAll('#sources a');
    const inside = /wxwork/i.test(navigator.userAgent);
    if (!me && inside && links.length === 1 && !said.error && !remembered('tried')) {
      remembered('tried', 'yes');
      location.assign(links[0].href);
    }
  });
})();
