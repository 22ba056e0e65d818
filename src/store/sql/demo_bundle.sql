insert into sluicegate.bundles (user_id, name, universal_config, ticker_variants, date_ranges,
                                scenario_variants, money_management_variants)
values ('you', 'crossing averages on two indices',
  '{"timeframe": "1d", "balance": 100000, "fee_taker_bps": 5, "slippage_bps": 1, "keep": {"top": 5}}',
  '["NASDAQ", "SP500"]',
  '[{"from": "1999-01-04", "until": "2019-01-01"}]',
  '[{"preset": "sma_cross", "direction": "long",
     "params": {"fast": [10, 20, 50], "slow": [100, 150, 200]}},
    {"preset": "dual_ema_cross", "direction": "long",
     "params": {"fast": [10, 20], "slow": {"from": 50, "to": 200, "step": 50}}},
    {"preset": "macd_cross", "direction": "long",
     "params": {"fast": [8, 12], "slow": [26, 52], "signal": [9, 18]}}]',
  '[{}, {"stop_loss_pct": 5}, {"stop_loss_pct": 10}, {"stop_loss_pct": 10, "take_profit_pct": 40}]')
returning id
